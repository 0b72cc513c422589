import { createHash } from "node:crypto";
import { z } from "zod";
import type { RetentionRules } from "../../policy/index.js";
import { type Address, type ContentId, isContentId, RecordKinds } from "../../records/index.js";

/** Records named in one report; a node that lacks more says so by its block. */
export const MAX_MISSING = 256;

/** What a node says of its share: it holds every record of anchors up to `block` that is its to keep, but `missing`. */
export interface ReplicationReport {
  /** The newest block whose anchors it has dealt with. */
  readonly block: number;
  /** How it sees the records shared: {@link viewOf}. Others' shares can be told only from the same. */
  readonly view: string;
  readonly missing: readonly ContentId[];
}

const schema = z.strictObject({
  block: z.int().min(0),
  view: z.string().regex(/^[0-9a-f]{16}$/),
  missing: z.array(z.custom<ContentId>(isContentId)).max(MAX_MISSING),
});

export function encodeReport(report: ReplicationReport): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(report));
}

/** The report in a message; undefined where it is none. Who it is from, the network proves. */
export function decodeReport(message: Uint8Array): ReplicationReport | undefined {
  try {
    const result = schema.safeParse(JSON.parse(Buffer.from(message).toString("utf8")));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}

/** Among which members records are shared, and by which rules, in short: the same for the same. */
export function viewOf(operators: Iterable<Address>, { retain, replicas: { min, max } }: RetentionRules): string {
  const sorted = [...operators].map((operator) => operator.toLowerCase()).sort();
  const rules = [...RecordKinds.map((kind) => retain[kind]), min, max];
  return createHash("sha256").update(`${sorted.join()} ${rules.join()}`).digest("hex").slice(0, 16);
}
