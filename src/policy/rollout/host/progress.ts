import type { RolloutTiming } from "../../../records/index.js";

/** One probe of a replica by its own host. `died`: its process ended by itself. */
export type ProbeResult = "healthy" | "unhealthy" | "died";

/** How far a replica has come with the release to take. Plain data: it is journaled, and outlives its process. */
export interface ReplicaProgress {
  /** Milliseconds that hosts' processes have watched it, over all restarts of the agent. */
  readonly watchedMs: number;
  /** Since when, in {@link watchedMs}, every probe was healthy; null if the last one was not. */
  readonly healthySinceMs: number | null;
  readonly result: "waiting" | "ready" | "sick";
  /** When, in {@link watchedMs}, it was ready, or when what it is watched for began; null before. */
  readonly readyAtMs: number | null;
  /** What made it sick, for people; empty before. */
  readonly note: string;
  /** The last probes after it was ready, oldest first: true for healthy. */
  readonly recent: readonly boolean[];
}

export const NEW_PROGRESS: ReplicaProgress = {
  watchedMs: 0,
  healthySinceMs: null,
  result: "waiting",
  readyAtMs: null,
  note: "",
  recent: [],
};

/**
 * Failures among the last probes from which on a ready replica is sick: in a row or not, so that flapping is noticed. Where 0.3 %
 * of all probes fail for nothing, three of six are met once in about 800 rollouts, four of eight once in about 80,000.
 */
const WINDOW = 8;
const FAILURES = 4;

/**
 * The progress after one more probe, `elapsedMs` after the one before it or after the start. Ready takes `minReadySeconds` in
 * which no probe failed; an agent that restarts begins to count them anew (pass `resumed`). The progress deadline runs on,
 * through failures and restarts. What is sick stays sick.
 */
export function progressAfter(
  before: ReplicaProgress,
  probe: ProbeResult,
  elapsedMs: number,
  timing: Pick<RolloutTiming, "minReadySeconds" | "progressSeconds">,
): ReplicaProgress {
  const watchedMs = before.watchedMs + elapsedMs;
  const progress = { ...before, watchedMs };
  if (before.result === "sick") return progress;
  if (probe === "died") return { ...progress, result: "sick", note: "it died" };
  const healthySinceMs = probe === "healthy" ? (before.healthySinceMs ?? watchedMs) : null;
  if (before.result === "ready") {
    const recent = [...before.recent, probe === "healthy"].slice(-WINDOW);
    const failures = recent.filter((healthy) => !healthy).length;
    if (failures < FAILURES) return { ...progress, healthySinceMs, recent };
    return {
      ...progress,
      healthySinceMs,
      recent,
      result: "sick",
      note: `${failures} of ${recent.length} probes failed`,
    };
  }
  if (healthySinceMs !== null && watchedMs - healthySinceMs >= timing.minReadySeconds * 1_000)
    return { ...progress, healthySinceMs, result: "ready", readyAtMs: watchedMs };
  if (watchedMs < timing.progressSeconds * 1_000) return { ...progress, healthySinceMs };
  const note = `not healthy for ${timing.minReadySeconds} s within ${timing.progressSeconds} s`;
  return { ...progress, healthySinceMs, result: "sick", note };
}

/** The progress of a ready replica that is watched from now on for another stage. */
export function watchedAnew(before: ReplicaProgress): ReplicaProgress {
  return { ...before, readyAtMs: before.watchedMs };
}

/** The progress of a replica whose agent starts again: what it did not see does not count as healthy. */
export function resumed(before: ReplicaProgress): ReplicaProgress {
  return { ...before, healthySinceMs: null, recent: [] };
}
