import { createHash } from "node:crypto";
import { z } from "zod";
import type { RetentionRules } from "../../policy/index.js";
import { type Address, type ContentId, isContentId, RecordKinds } from "../../records/index.js";

/** Records named in one report; a node that lacks more claims a lower block. */
export const MAX_MISSING = 256;
/** Authors named in one report; a node that refuses records of more claims a lower block. */
export const MAX_REFUSED = 64;

/**
 * What a node claims to hold: every record of its share in anchors up to `block`, but those in `missing` and those of authors in
 * `refused`.
 */
export interface ReplicationReport {
  /** The newest block whose anchors it has read. */
  readonly block: number;
  /** The members and rules that its share follows from, by {@link viewOf}. Shares compare only under the same view. */
  readonly view: string;
  readonly missing: readonly ContentId[];
  /** Authors, in lower case, of whose records from a block on it may hold none: what it holds of theirs fills a quota. */
  readonly refused?: readonly RefusedAuthor[];
}

export interface RefusedAuthor {
  readonly author: string;
  readonly block: number;
}

const schema = z.strictObject({
  block: z.int().min(0),
  view: z.string().regex(/^[0-9a-f]{16}$/),
  missing: z.array(z.custom<ContentId>(isContentId)).max(MAX_MISSING),
  // Only where there are some: agents of before do not know the field.
  refused: z
    .array(z.strictObject({ author: z.string().regex(/^0x[0-9a-f]{40}$/), block: z.int().min(0) }))
    .max(MAX_REFUSED)
    .exactOptional(),
});

export function encodeReport(report: ReplicationReport): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(report));
}

/** The report in a message; undefined if it is malformed. Gossip proves its sender. */
export function decodeReport(message: Uint8Array): ReplicationReport | undefined {
  try {
    const result = schema.safeParse(JSON.parse(Buffer.from(message).toString("utf8")));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}

/** A short hash of the present members and the rules of retention: equal for equal input. */
export function viewOf(accounts: Iterable<Address>, { retain, replicas: { min, max } }: RetentionRules): string {
  const sorted = [...accounts].map((account) => account.toLowerCase()).sort();
  const rules = [...RecordKinds.map((kind) => retain[kind]), min, max];
  return createHash("sha256").update(`${sorted.join()} ${rules.join()}`).digest("hex").slice(0, 16);
}
