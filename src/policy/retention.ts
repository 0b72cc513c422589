import { type ContentId, type RecordKind, RecordKinds } from "../records/index.js";

/** As many nodes as a vote may have keep each record besides its author. */
const MOST_REPLICAS = 16;

/** What the DAO has decided about keeping records, and the defaults where it has not. */
export interface RetentionRules {
  /** Seconds from a record's first anchor, by its kind; infinite where records of it are kept for ever. */
  readonly retain: Readonly<Record<RecordKind, number>>;
  /** Nodes besides the author that keep each record: fewer holders than `min` endanger it, `max` are asked to. */
  readonly replicas: { readonly min: number; readonly max: number };
}

/** The parameter that says for how many seconds records of a kind are kept. */
export function retainParameter(kind: RecordKind): string {
  return `retain.${kind}`;
}

const REPLICAS_MIN = "replicas.min";
const REPLICAS_MAX = "replicas.max";

/** Every parameter that {@link retentionRules} looks at. */
export const RetentionParameters: readonly string[] = [...RecordKinds.map(retainParameter), REPLICAS_MIN, REPLICAS_MAX];

/**
 * The rules from the parameters that were voted. One that is unset or 0 says nothing: records are kept for ever, by as many
 * nodes as the defaults have. `replicas.max` is brought to 1 to 16, and `replicas.min` to 1 to the greatest number.
 */
export function retentionRules(
  parameters: ReadonlyMap<string, bigint>,
  defaults: RetentionRules["replicas"],
): RetentionRules {
  const voted = (name: string) => {
    const value = parameters.get(name) ?? 0n;
    return value === 0n ? undefined : Number(value);
  };
  const retain = Object.fromEntries(
    RecordKinds.map((kind) => [kind, voted(retainParameter(kind)) ?? Number.POSITIVE_INFINITY]),
  ) as Record<RecordKind, number>;
  const votedMax = voted(REPLICAS_MAX);
  const max = votedMax === undefined ? defaults.max : Math.min(votedMax, MOST_REPLICAS);
  return { retain, replicas: { min: Math.min(voted(REPLICAS_MIN) ?? defaults.min, max), max } };
}

/** When something was anchored first, in seconds by the chain. */
export interface Anchored {
  readonly kind: RecordKind;
  readonly anchoredAt: number;
}

/** Whether a record was kept for as long as was decided. `now` is the chain's time, in seconds. */
export function isPastRetention({ kind, anchoredAt }: Anchored, now: number, { retain }: RetentionRules): boolean {
  return now - anchoredAt > retain[kind];
}

export interface ExpiryInput {
  readonly record: Anchored & { readonly contentId: ContentId };
  /** The chain's time, in seconds. */
  readonly now: number;
  readonly rules: RetentionRules;
  /** What is kept whatever its age: accepted models, and evidence that is still to be looked at. */
  readonly exempt: ReadonlySet<ContentId>;
}

/** Whether a record is let go by vote. */
export function isExpired({ record, now, rules, exempt }: ExpiryInput): boolean {
  return isPastRetention(record, now, rules) && !exempt.has(record.contentId);
}

/** What a vote on a keeping parameter would do; undefined where the parameter is none. */
export function retentionChange(name: string, value: bigint): "lets-go" | "keeps" | "out-of-bounds" | undefined {
  if (!RetentionParameters.includes(name)) return undefined;
  if (name !== REPLICAS_MIN && name !== REPLICAS_MAX) return value === 0n ? "keeps" : "lets-go";
  return value <= BigInt(MOST_REPLICAS) ? "keeps" : "out-of-bounds";
}
