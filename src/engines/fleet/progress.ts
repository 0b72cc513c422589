import type { OutcomeDetail } from "../../records/index.js";
import { systemClock } from "../../utils/clock.js";
import type { ReplicaStatus } from "./types.js";

export interface ProgressOptions {
  /** A workload counts once it was healthy for this long without a break. */
  readonly minHealthyMs: number;
  /** For the whole batch. Nothing sets it back, least of all a workload that comes and goes. */
  readonly healthyDeadlineMs: number;
  readonly probeEveryMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface Watched {
  readonly index: number;
  healthySince: number | undefined;
  settled: boolean;
  failure: string | undefined;
  last: ReplicaStatus | undefined;
}

/**
 * Watches a batch until all of it is settled, or until one workload fails: it died, it turned unhealthy after it had
 * settled, or it was not settled by the deadline. Rejects with the signal's reason when that aborts.
 */
export async function watchBatch(
  indices: readonly number[],
  look: (index: number) => Promise<ReplicaStatus>,
  { minHealthyMs, healthyDeadlineMs, probeEveryMs, signal }: ProgressOptions,
): Promise<OutcomeDetail[]> {
  const started = performance.now();
  const batch = indices.map(
    (index): Watched => ({ index, healthySince: undefined, settled: false, failure: undefined, last: undefined }),
  );
  for (;;) {
    signal?.throwIfAborted();
    await Promise.all(batch.map(async (watched) => step(watched, await look(watched.index), minHealthyMs)));
    const over = performance.now() - started >= healthyDeadlineMs;
    if (over)
      for (const each of batch) if (!each.settled) each.failure ??= `not healthy for ${minHealthyMs} ms in time`;
    if (batch.some(({ failure }) => failure !== undefined) || batch.every(({ settled }) => settled)) break;
    await systemClock.sleep(probeEveryMs, signal);
  }
  const failed = batch.some(({ failure }) => failure !== undefined);
  return batch.map(({ failure, settled, last, index }) => ({
    subject: last?.subject ?? `workload ${index}`,
    result: failed ? "failed" : "done",
    note:
      failure ??
      `${settled ? "healthy" : "not settled"} as ${last?.instance ?? "nothing"}${failed ? "; its batch failed" : ""}`,
  }));
}

function step(watched: Watched, status: ReplicaStatus, minHealthyMs: number): void {
  const now = performance.now();
  watched.last = status;
  if (!status.alive) watched.failure ??= `${status.instance ?? "it"} died`;
  else if (!status.healthy && watched.settled) watched.failure ??= `${status.instance} turned unhealthy again`;
  else if (!status.healthy) watched.healthySince = undefined;
  else {
    watched.healthySince ??= now;
    if (now - watched.healthySince >= minHealthyMs) watched.settled = true;
  }
}
