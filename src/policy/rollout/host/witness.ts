import type { Hex } from "../../../records/index.js";
import type { StagePlan, WitnessSighting } from "../types.js";

/** What one probe of a replica over the network shows. `release` is null if no replica answered. */
export interface WitnessProbe {
  readonly release: Hex | null;
  /** `unreached`: neither the replica nor its host's agent answered. */
  readonly result: "healthy" | "sick" | "unreached";
}

/**
 * What a witness says of a replica after an interval, by all its probes in it and by what it said before. One good answer does
 * not make a replica healthy, and one bad one does not make it sick: a replica that flaps is `unsteady`.
 */
export function sightingOf(
  replica: string,
  interval: number,
  probes: readonly WitnessProbe[],
  before: WitnessSighting | undefined,
): WitnessSighting {
  const said = verdictOf(probes);
  const isSame = before?.verdict === said.verdict && before.release === said.release;
  return { replica, ...said, since: isSame ? before.since : interval };
}

function verdictOf(probes: readonly WitnessProbe[]): Pick<WitnessSighting, "release" | "verdict"> {
  const reached = probes.filter(({ result }) => result !== "unreached");
  if (reached.length === 0 || 2 * reached.length < probes.length) return { release: null, verdict: "unreached" };
  const well = reached.filter(({ result }) => result === "healthy");
  if (well.length === 0) return { release: null, verdict: "sick" };
  const release = well.at(-1)?.release ?? null;
  const isSteady = well.length === reached.length && well.every((each) => each.release === release);
  return { release, verdict: isSteady ? "healthy" : "unsteady" };
}

/** What a witness has said so far. Journaled before a statement is signed: never two of one interval. */
export interface WitnessMemory {
  /** The last interval that it has spoken of, or passed over. */
  readonly interval: number;
  readonly seen: readonly WitnessSighting[];
  /** The interval of its last statement. */
  readonly stated: number;
  /** How often it has repeated that. */
  readonly repeats: number;
  /** Statements that it may make now. */
  readonly allowance: number;
}

/**
 * Statements at once; one more after so many intervals; repetitions of what is sick, which takes two intervals to be believed;
 * and intervals after which it is said again, for those who were not ready to hear it.
 */
const BURST = 12;
const INTERVALS_EACH = 4;
const REPEATS = 3;
const REMIND_INTERVALS = 8;

export const NEW_WITNESS: WitnessMemory = { interval: -1, seen: [], stated: -1, repeats: 0, allowance: BURST };

/**
 * Whether a witness signs a statement of what it saw in an interval, and what it remembers then. It speaks when anything has
 * changed, repeats what is sick, and says once more that a replica is healthy when its stage was watched for its time. A replica that flaps for ever must not have its witnesses flood the others.
 */
export function whenToState(
  memory: WitnessMemory,
  interval: number,
  seen: readonly WitnessSighting[],
  plan: StagePlan,
): { readonly speaks: boolean; readonly memory: WitnessMemory } {
  if (interval <= memory.interval) return { speaks: false, memory };
  const allowance = Math.min(BURST, memory.allowance + (interval - memory.interval) / INTERVALS_EACH);
  const isRepeated = memory.seen.length > 0 && JSON.stringify(seen) === JSON.stringify(memory.seen);
  const repeats = isRepeated ? memory.repeats + 1 : 0;
  const isSick = seen.some(({ verdict }) => verdict === "sick");
  const isReminder = repeats <= REPEATS || interval - memory.stated >= REMIND_INTERVALS;
  const isNews = !isRepeated || (isSick && isReminder) || isDue(memory.stated, interval, seen, plan);
  if (allowance < 1 || !isNews) return { speaks: false, memory: { ...memory, interval, allowance } };
  return { speaks: true, memory: { interval, seen, stated: interval, repeats, allowance: allowance - 1 } };
}

/** Whether any replica has been healthy for as long as its stages are watched, and was not when it spoke last. */
function isDue(stated: number, interval: number, seen: readonly WitnessSighting[], plan: StagePlan): boolean {
  const soakSeconds = [...new Set(plan.waves.map((wave) => wave.soakSeconds))].filter((seconds) => seconds > 0);
  const lasts = ({ since }: WitnessSighting, until: number) => (until + 1 - since) * plan.timing.intervalSeconds;
  return seen.some(
    (each) =>
      each.verdict === "healthy" &&
      each.release === plan.to &&
      soakSeconds.some((seconds) => lasts(each, interval) >= seconds && lasts(each, stated) < seconds),
  );
}
