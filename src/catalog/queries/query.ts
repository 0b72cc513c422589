import { z } from "zod";
import { InvalidInputError } from "../../errors.js";
import {
  type Address,
  type ContentId,
  checksumAddress,
  cidToContentId,
  type Hex,
  type IncidentKind,
  IncidentKinds,
  isCid,
  isContentId,
  type NamedState,
  NamedStates,
  type RecordKind,
  RecordKinds,
  type RecordValue,
  Severities,
  type Severity,
} from "../../records/index.js";
import { type ProofStatus, ProofStatuses } from "../status.js";

/** Rows of a page, by default and at most. */
export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 1_000;
/** A longer text is refused, in characters. */
const MAX_TEXT = 500;

/** Conditions on records: a record matches if it meets all that are given. */
export interface RecordFilter {
  readonly kind?: RecordKind | undefined;
  readonly author?: Address | undefined;
  readonly contentId?: ContentId | undefined;
  readonly status?: ProofStatus | undefined;
  /** The severity of an incident. */
  readonly severity?: Severity | undefined;
  /** See {@link incidentFingerprint}. */
  readonly fingerprint?: Hex | undefined;
  /** The name of phi in a state. */
  readonly state?: NamedState | undefined;
  /** The round of a model. */
  readonly round?: number | undefined;
  /** The name of a model. */
  readonly name?: string | undefined;
  /** The subject of an incident or of an outcome's detail, such as `replica/web/3`; or `model/` and a model's name. */
  readonly subject?: string | undefined;
  /** Words that an incident, model or outcome must have, all of them; `*` at the end of one matches any rest of a word. */
  readonly text?: string | undefined;
  /** Anchored at this moment or later, in seconds since the Unix epoch by the chain. */
  readonly since?: number | undefined;
  /** Anchored before this moment. */
  readonly until?: number | undefined;
  /** Whether to return confirmed records only. */
  readonly confirmed?: boolean | undefined;
}

export interface PageOptions {
  /** At most this many; {@link DEFAULT_LIMIT} by default, {@link MAX_LIMIT} at most. */
  readonly limit?: number | undefined;
  /** The page begins after the row with this cursor. */
  readonly cursor?: string | undefined;
}

export type RecordQuery = RecordFilter & PageOptions;

/** The block and the transaction of a row, and whether they are confirmed. */
export interface ChainPlace {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly transactionHash: Hex;
  /** Seconds since the Unix epoch, by the chain. */
  readonly time: number;
  /** How many blocks were read from this one on, itself included. */
  readonly confirmations: number;
  /** Whether it counts as final, see `confirmations` of {@link openCatalog}. */
  readonly confirmed: boolean;
}

/** A record under an anchor, with its proof status. */
export type CatalogRecord<Kind extends RecordKind = RecordKind> = {
  [K in Kind]: {
    readonly kind: K;
    readonly contentId: ContentId;
    readonly cid: string;
    readonly author: Address;
    readonly status: ProofStatus;
    /** Why it is missing or invalid; null otherwise. */
    readonly reason: string | null;
    /** The decoded record; null until it is verified. */
    readonly value: RecordValue<K> | null;
    readonly anchor: ChainPlace & {
      readonly root: Hex;
      /** The author's anchors up to this one; null if it was anchored together with others'. */
      readonly sequence: number | null;
      readonly manifest: string;
      /** The root over many nodes' batches that it is under; null if it was anchored alone. */
      readonly joint: { readonly root: Hex; readonly manifest: string } | null;
    };
    /** The fingerprint of an incident; null for other kinds, and until it is verified. */
    readonly fingerprint: Hex | null;
    readonly cursor: string;
  };
}[Kind];

export interface RecordPage {
  /** Newest first. */
  readonly records: readonly CatalogRecord[];
  /** The cursor of the next page; null after the last. */
  readonly cursor: string | null;
  /** The newest block that was read. */
  readonly block: number;
}

export interface IncidentFilter {
  readonly open?: boolean | undefined;
  readonly kind?: IncidentKind | undefined;
  /** As in the last report. */
  readonly severity?: Severity | undefined;
  readonly subject?: string | undefined;
}

export type IncidentQuery = IncidentFilter & PageOptions;

const limit = z.coerce.number().int().min(1).max(MAX_LIMIT).exactOptional();
const cursor = z.string().max(64).exactOptional();
const seconds = z.union([
  z.coerce.number().int().min(0),
  z.iso.datetime({ offset: true }).transform((text) => Math.floor(Date.parse(text) / 1_000)),
]);
const yesOrNo = z.union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")]);
const line = z.string().min(1).max(MAX_TEXT);
const address = z
  .string()
  .refine((text) => checksumAddress(text) !== undefined, "must be an address")
  .transform((text) => checksumAddress(text) as Address);
const contentId = z
  .string()
  .refine((text) => isContentId(text) || isCid(text), "must be a CID or a ContentId")
  .transform((text): ContentId => (isContentId(text) ? text : cidToContentId(text)));

/** One of the names, in any case. */
function nameOf<T extends string>(names: readonly T[]): z.ZodType<T> {
  return z.string().transform((text, context) => {
    const found = names.find((name) => name.toLowerCase() === text.toLowerCase());
    if (found === undefined) context.addIssue(`must be one of ${names.join(", ")}`);
    return found ?? z.NEVER;
  });
}

const recordQuery = z.strictObject({
  kind: nameOf(RecordKinds).exactOptional(),
  author: address.exactOptional(),
  contentId: contentId.exactOptional(),
  status: nameOf(ProofStatuses).exactOptional(),
  severity: nameOf(Severities).exactOptional(),
  fingerprint: z.custom<Hex>(isContentId, "must be 0x and 64 hexadecimal digits").exactOptional(),
  state: nameOf(NamedStates).exactOptional(),
  round: z.coerce.number().int().min(0).exactOptional(),
  name: line.exactOptional(),
  subject: line.exactOptional(),
  text: line.exactOptional(),
  since: seconds.exactOptional(),
  until: seconds.exactOptional(),
  confirmed: yesOrNo.exactOptional(),
  limit,
  cursor,
});

const incidentQuery = z.strictObject({
  open: yesOrNo.exactOptional(),
  kind: nameOf(IncidentKinds).exactOptional(),
  severity: nameOf(Severities).exactOptional(),
  subject: line.exactOptional(),
  limit,
  cursor,
});

/**
 * Reads a query whose values may be text, as in a command line or a URL; moments may be ISO dates too.
 *
 * @throws {@link InvalidInputError} naming the field that is unknown or wrong.
 */
export function parseRecordQuery(values: Readonly<Record<string, unknown>>): RecordQuery {
  return parse(recordQuery, values);
}

/** Reads a query for incidents as {@link parseRecordQuery} reads one for records. */
export function parseIncidentQuery(values: Readonly<Record<string, unknown>>): IncidentQuery {
  return parse(incidentQuery, values);
}

function parse<T>(schema: z.ZodType<T>, values: Readonly<Record<string, unknown>>): T {
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join(".") || "the query";
  throw new InvalidInputError(`Wrong query: ${field}: ${issue?.message ?? "is not understood"}.`);
}
