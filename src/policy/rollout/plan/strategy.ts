import type { Strategy } from "../../../records/index.js";

/** A wave before replicas are drawn for it: how many it takes, and how many of them beside the old ones. */
export interface WaveShape {
  readonly stage: number;
  readonly action: "take" | "switch";
  readonly size: number;
  readonly surge: number;
  readonly soakSeconds: number;
}

/**
 * The waves of a strategy for so many replicas, in their order. What may be unresolved while the next wave begins, `failureLimit`
 * replicas, is taken off what a wave may have down, so that both together stay within `maxUnavailable`.
 */
export function waveShapes(strategy: Strategy, replicas: number, failureLimit: number): readonly WaveShape[] {
  if (strategy.kind === "blue-green") {
    const all = { size: replicas, surge: replicas };
    return [
      { stage: 0, action: "take", ...all, soakSeconds: 0 },
      { stage: 1, action: "switch", ...all, soakSeconds: strategy.soakSeconds },
    ];
  }
  const { maxSurge, maxUnavailable } = strategy;
  const most = maxSurge + Math.max(0, maxUnavailable - failureLimit);
  const isCanary = strategy.kind === "canary";
  const soakSeconds = isCanary ? strategy.soakSeconds : 0;
  const ends = isCanary ? strategy.shares.map((share) => Math.ceil((share * replicas) / 100)) : [replicas];
  const shapes: WaveShape[] = [];
  let taken = 0;
  for (const [stage, end] of ends.entries()) {
    while (taken < end) {
      const size = Math.min(most, end - taken);
      taken += size;
      const isLast = taken === end;
      shapes.push({
        stage,
        action: "take",
        size,
        surge: Math.min(size, maxSurge),
        soakSeconds: isLast ? soakSeconds : 0,
      });
    }
  }
  return shapes;
}

/** How many replicas a rollout may have down at once. */
export function maxUnavailableOf(strategy: Strategy): number {
  return strategy.kind === "blue-green" ? 0 : strategy.maxUnavailable;
}

/** How a workload goes back to a release that ran before: as fast as it may, without stages. */
export function turnBackStrategy(strategy: Strategy): Strategy {
  if (strategy.kind !== "canary") return strategy;
  const { maxSurge, maxUnavailable } = strategy;
  return { kind: "rolling", maxSurge, maxUnavailable };
}

/**
 * How many hosts may fail alone, if the directive does not say: one, if the first wave takes replicas of at least three, and
 * if a wave may have more than one down. One lying host, or one with a bad disk, then turns no good release back. Fewer
 * cannot tell a broken host from a broken release, and turn back.
 */
export function defaultFailureLimit(strategy: Strategy, replicas: number): number {
  if (strategy.kind !== "blue-green" && strategy.maxUnavailable < 2 && strategy.maxSurge < 3) return 0;
  const [first] = waveShapes(strategy, replicas, strategy.kind === "blue-green" ? 0 : 1);
  return (first?.size ?? 0) >= 3 ? 1 : 0;
}

/** Why a strategy cannot be carried out; undefined if it can. One sentence for people. */
export function strategyFault(strategy: Strategy, replicas: number, failureLimit: number): string | undefined {
  if (replicas < 1) return "there are no replicas to take to the release";
  if (!Number.isInteger(failureLimit) || failureLimit < 0) return "the failure limit must be a whole number from 0 on";
  if (strategy.kind !== "blue-green") {
    const { maxSurge, maxUnavailable } = strategy;
    if (maxSurge + Math.max(0, maxUnavailable - failureLimit) < 1)
      return `maxUnavailable ${maxUnavailable} and maxSurge ${maxSurge} leave no replica to change beside a failure limit of ${failureLimit}`;
  }
  if (strategy.kind === "canary") {
    const { shares } = strategy;
    const isAscending = shares.every((share, i) => share > (shares[i - 1] ?? 0) && share <= 100);
    if (!isAscending || shares.at(-1) !== 100) return "the shares of a canary must ascend to 100";
  }
  const first = waveShapes(strategy, replicas, failureLimit)[0]?.size ?? 0;
  // More than half of what is looked at first must be sound, and more than can fail alone.
  if (failureLimit > 0 && first < 2 * failureLimit + 1)
    return `a failure limit of ${failureLimit} needs a first wave of ${2 * failureLimit + 1} replicas, not of ${first}`;
  return undefined;
}
