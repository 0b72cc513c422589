import type { HostName } from "../../placement/index.js";
import type { PlannedReplica, StagePlan, WitnessStatement } from "../types.js";
import type { HeldEvidence } from "./evidence.js";

/** What the witnesses of a replica say together. */
export interface WitnessCount {
  /** Those whose word counts: drawn, never suspended since the issue, and not caught saying two things. */
  readonly counted: number;
  /** Those whose newest word is that it is healthy on the release to take. */
  readonly healthy: number;
  /**
   * Block time from which on enough have called it healthy without a break; undefined if too few do. Enough are half of those
   * that do not say that they cannot reach its host, and a third of all counted.
   */
  readonly healthySince: number | undefined;
  /** Seconds for which enough are known to have called it healthy without a break: from the first word to the newest. */
  readonly healthySeconds: number;
  /** The newest words of those that call it sick, as {@link accuses} has it. */
  readonly accusers: readonly WitnessStatement[];
}

/** Counts what the witnesses of a replica say of it. */
export function countWitnesses(
  plan: StagePlan,
  { replica, witnesses }: PlannedReplica,
  evidence: HeldEvidence,
  excused: ReadonlySet<HostName>,
): WitnessCount {
  const counted = witnesses.filter((witness) => !excused.has(witness) && !evidence.contradicts(witness));
  const accusers: WitnessStatement[] = [];
  const healthy: number[] = [];
  const lasting: number[] = [];
  let unreached = 0;
  for (const witness of counted) {
    const [newest] = evidence.statements(witness);
    if (newest === undefined) continue;
    const { interval, seen } = newest;
    const last = seen.find((each) => each.replica === replica);
    if (last?.verdict === "healthy" && last.release === plan.to) {
      healthy.push(last.since);
      lasting.push((interval + 1 - last.since) * plan.timing.intervalSeconds);
    }
    if (last?.verdict === "unreached") unreached++;
    if (accuses(plan, replica, newest)) accusers.push(newest);
  }
  const enough = Math.max(Math.ceil((counted.length - unreached) / 2), Math.ceil(counted.length / 3));
  const since = healthy.sort((a, b) => a - b)[enough - 1];
  // A fleet of one host has no witnesses.
  const start = enough === 0 ? plan.issuedAt : since === undefined ? undefined : timeOf(plan, since);
  const healthySeconds = enough === 0 ? Number.POSITIVE_INFINITY : (lasting.sort((a, b) => b - a)[enough - 1] ?? 0);
  return { counted: counted.length, healthy: healthy.length, healthySince: start, healthySeconds, accusers };
}

/**
 * What accuses a replica that its host calls ready since `readyAt`: the statements, if more than two thirds of the counted
 * witnesses, and never one alone, have called it sick for two whole intervals since. While it starts its host has the word.
 */
export function accusation(plan: StagePlan, count: WitnessCount, readyAt: number): readonly WitnessStatement[] {
  const since = count.accusers.filter(({ interval }) => timeOf(plan, interval - 1) >= readyAt);
  return since.length >= 2 && 3 * since.length > 2 * count.counted ? since : [];
}

/** When an interval begins. */
function timeOf({ issuedAt, timing }: StagePlan, interval: number): number {
  return issuedAt + interval * timing.intervalSeconds;
}

/**
 * Whether a statement says that a replica is sick on the release to take, for two intervals at least, by a witness that reached at least half of its other
 * replicas in the same interval: one that did not has a bad link, or is cut off.
 */
function accuses(plan: StagePlan, replica: string, { interval, seen }: WitnessStatement): boolean {
  const own = seen.find((each) => each.replica === replica);
  if (own?.verdict !== "sick" || own.since >= interval || (own.release !== null && own.release !== plan.to))
    return false;
  const others = seen.filter((each) => each.replica !== replica);
  const reached = others.filter(({ verdict }) => verdict !== "unreached").length;
  return 2 * reached >= others.length;
}
