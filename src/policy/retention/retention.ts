import { type ContentId, type RecordKind, RecordKinds } from "../../records/index.js";

/** The most replicas of a record that can be voted, besides the author's. */
const MOST_REPLICAS = 16;

/** How long, and by how many nodes, records are kept: voted parameters, with defaults for those not set. */
export interface RetentionRules {
  /** Seconds from a record's first anchor, by its kind; infinite if they are kept for ever. */
  readonly retain: Readonly<Record<RecordKind, number>>;
  /** Replicas of each record besides the author's: fewer than `min` endanger it, `max` nodes are asked to keep it. */
  readonly replicas: { readonly min: number; readonly max: number };
}

/** The name of the parameter for how many seconds records of a kind are kept. */
export function retainParameter(kind: RecordKind): string {
  return `retain.${kind}`;
}

const SECONDS_OF_A_DAY = 86_400;

/**
 * How long records of a kind are kept unless the DAO has voted on it, in seconds. Every node writes states all day, and nobody
 * reads those of last month; all else is evidence, and is kept for ever.
 */
export const RetainDefaults: Readonly<Record<RecordKind, number>> = {
  State: 30 * SECONDS_OF_A_DAY,
  Model: Number.POSITIVE_INFINITY,
  Incident: Number.POSITIVE_INFINITY,
  Outcome: Number.POSITIVE_INFINITY,
};

const REPLICAS_MIN = "replicas.min";
const REPLICAS_MAX = "replicas.max";

/** Every parameter that {@link retentionRules} reads. */
export const RetentionParameters: readonly string[] = [...RecordKinds.map(retainParameter), REPLICAS_MIN, REPLICAS_MAX];

/**
 * The rules by the parameters that are set. A `retain` of 0 keeps records for ever, and an unset one for as long as
 * {@link RetainDefaults} say; unset or 0, the numbers of replicas are the defaults. `replicas.max` is clamped to 1 to 16, and
 * `replicas.min` to 1 to `replicas.max`.
 */
export function retentionRules(
  parameters: ReadonlyMap<string, bigint>,
  defaults: RetentionRules["replicas"],
): RetentionRules {
  const voted = (name: string) => {
    const value = parameters.get(name) ?? 0n;
    return value === 0n ? undefined : Number(value);
  };
  const retained = (kind: RecordKind) => {
    if (!parameters.has(retainParameter(kind))) return RetainDefaults[kind];
    return voted(retainParameter(kind)) ?? Number.POSITIVE_INFINITY;
  };
  const retain = Object.fromEntries(RecordKinds.map((kind) => [kind, retained(kind)])) as Record<RecordKind, number>;
  const votedMax = voted(REPLICAS_MAX);
  const max = votedMax === undefined ? defaults.max : Math.min(votedMax, MOST_REPLICAS);
  return { retain, replicas: { min: Math.min(voted(REPLICAS_MIN) ?? defaults.min, max), max } };
}

/** A record's kind and first anchor; `anchoredAt` is a block time, in seconds. */
export interface AnchoredRecord {
  readonly kind: RecordKind;
  readonly anchoredAt: number;
}

/** Whether a record's retention period has passed. `now` is the chain's time, in seconds. */
export function isPastRetention(
  { kind, anchoredAt }: AnchoredRecord,
  now: number,
  { retain }: RetentionRules,
): boolean {
  return now - anchoredAt > retain[kind];
}

export interface ExpiryInput {
  readonly record: AnchoredRecord & { readonly contentId: ContentId };
  /** The chain's time, in seconds. */
  readonly now: number;
  readonly rules: RetentionRules;
  /** Records kept whatever their age: accepted models, and evidence of open proposals and directives. */
  readonly exempt: ReadonlySet<ContentId>;
}

/** Whether a record may be removed under the voted retention. */
export function isExpired({ record, now, rules, exempt }: ExpiryInput): boolean {
  return isPastRetention(record, now, rules) && !exempt.has(record.contentId);
}

/** The effect of setting a retention parameter; undefined if `name` is not one. */
export function retentionChange(name: string, value: bigint): "removes" | "keeps" | "out-of-bounds" | undefined {
  if (!RetentionParameters.includes(name)) return undefined;
  if (name !== REPLICAS_MIN && name !== REPLICAS_MAX) return value === 0n ? "keeps" : "removes";
  return value <= BigInt(MOST_REPLICAS) ? "keeps" : "out-of-bounds";
}
