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
/** Words that are looked for; longer text is refused. */
const MAX_TEXT = 500;

/** What to look for: all that is given must hold. */
export interface RecordFilter {
  readonly kind?: RecordKind | undefined;
  readonly author?: Address | undefined;
  readonly contentId?: ContentId | undefined;
  readonly status?: ProofStatus | undefined;
  /** Of incidents. */
  readonly severity?: Severity | undefined;
  /** See {@link incidentFingerprint}. */
  readonly fingerprint?: Hex | undefined;
  /** Of states: what phi is called. */
  readonly state?: NamedState | undefined;
  /** Of models. */
  readonly round?: number | undefined;
  /** Of models. */
  readonly name?: string | undefined;
  /** Such as `replica/web/3`: of an incident, of an outcome's detail, or `model/` and a model's name. */
  readonly subject?: string | undefined;
  /** Words that incidents, models and outcomes hold, all of them; one that ends with `*` is the beginning of a word. */
  readonly text?: string | undefined;
  /** Anchored at this moment or later, in seconds since the Unix epoch by the chain. */
  readonly since?: number | undefined;
  /** Anchored before this moment. */
  readonly until?: number | undefined;
  /** Only what is confirmed. */
  readonly confirmed?: boolean | undefined;
}

export interface PageOptions {
  /** At most this many; {@link DEFAULT_LIMIT} by default, {@link MAX_LIMIT} at most. */
  readonly limit?: number | undefined;
  /** Go on after the row that had this cursor. */
  readonly cursor?: string | undefined;
}

export type RecordQuery = RecordFilter & PageOptions;

/** Where on the chain something stands, and how firmly. */
export interface ChainPlace {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly transactionHash: Hex;
  /** Seconds since the Unix epoch, by the chain. */
  readonly time: number;
  /** Blocks that were read from this one on, itself included. */
  readonly confirmations: number;
  /** Whether it counts as final, see `confirmations` of {@link openCatalog}. */
  readonly confirmed: boolean;
}

/** A record under an anchor, with what is proven of it. */
export type CatalogRecord<Kind extends RecordKind = RecordKind> = {
  [K in Kind]: {
    readonly kind: K;
    readonly contentId: ContentId;
    readonly cid: string;
    readonly author: Address;
    readonly status: ProofStatus;
    /** Why it is missing or invalid; null otherwise. */
    readonly reason: string | null;
    /** What it says; null until it is verified. */
    readonly value: RecordValue<K> | null;
    readonly anchor: ChainPlace & {
      readonly root: Hex;
      /** The author's anchors up to this one; null if it was anchored together with others'. */
      readonly sequence: number | null;
      readonly manifest: string;
      /** The root over many nodes' batches that it is under; null if it was anchored alone. */
      readonly joint: { readonly root: Hex; readonly manifest: string } | null;
    };
    /** Of an incident; null until it is verified. */
    readonly fingerprint: Hex | null;
    readonly cursor: string;
  };
}[Kind];

export interface RecordPage {
  /** Newest first. */
  readonly records: readonly CatalogRecord[];
  /** For the next page; null after the last. */
  readonly cursor: string | null;
  /** The chain was read through this block. */
  readonly block: number;
}

export interface IncidentFilter {
  readonly open?: boolean | undefined;
  readonly kind?: IncidentKind | undefined;
  /** Of the last report. */
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
 * Reads a query whose values may be text, as a command line or a URL gives them; moments may be ISO dates too.
 *
 * @throws {@link InvalidInputError} naming the field that is unknown or wrong.
 */
export function parseRecordQuery(values: Readonly<Record<string, unknown>>): RecordQuery {
  return parse(recordQuery, values);
}

/** As {@link parseRecordQuery}. */
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
