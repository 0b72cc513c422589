import type { OutcomeDetail } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { ReplicaStatus } from "./types.js";

export interface ProgressOptions {
  /** A replica is ready once it was healthy for this long without a break. */
  readonly minReadyMs: number;
  /** For the whole batch. Nothing resets it: a replica that flaps is not progress. */
  readonly progressDeadlineMs: number;
  readonly probeEveryMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

interface ReplicaProgress {
  readonly index: number;
  /** Monotonic, in milliseconds. */
  healthySince: number | undefined;
  ready: boolean;
  failure: string | undefined;
  last: ReplicaStatus | undefined;
}

/**
 * Probes a batch until all of it is ready, or until one replica fails: it died, it turned unhealthy after it was ready, or
 * it was not ready by the deadline. Rejects with the signal's reason if that aborts.
 */
export async function watchBatch(
  indices: readonly number[],
  probe: (index: number) => Promise<ReplicaStatus>,
  { minReadyMs, progressDeadlineMs, probeEveryMs, clock, signal }: ProgressOptions,
): Promise<OutcomeDetail[]> {
  const started = clock.monotonic();
  const batch = indices.map(
    (index): ReplicaProgress => ({ index, healthySince: undefined, ready: false, failure: undefined, last: undefined }),
  );
  for (;;) {
    signal?.throwIfAborted();
    await Promise.all(batch.map(async (each) => update(each, await probe(each.index), clock.monotonic(), minReadyMs)));
    if (clock.monotonic() - started >= progressDeadlineMs)
      for (const each of batch)
        if (!each.ready) each.failure ??= `not healthy for ${minReadyMs} ms in time${why(each.last)}`;
    if (batch.some(({ failure }) => failure !== undefined) || batch.every(({ ready }) => ready)) break;
    await clock.sleep(probeEveryMs, signal);
  }
  const failed = batch.some(({ failure }) => failure !== undefined);
  return batch.map(({ failure, ready, last, index }) => ({
    subject: last?.subject ?? `replica ${index}`,
    result: failed ? "failed" : "done",
    note:
      failure ??
      `${ready ? "healthy" : "not ready"} as ${last?.instance ?? "nothing"}${failed ? "; its batch failed" : ""}`,
  }));
}

function update(watched: ReplicaProgress, status: ReplicaStatus, now: number, minReadyMs: number): void {
  watched.last = status;
  if (!status.alive) watched.failure ??= `${status.instance ?? "it"} died`;
  else if (!status.healthy && watched.ready)
    watched.failure ??= `${status.instance} turned unhealthy again${why(status)}`;
  else if (!status.healthy) watched.healthySince = undefined;
  else {
    watched.healthySince ??= now;
    if (now - watched.healthySince >= minReadyMs) watched.ready = true;
  }
}

function why(status: ReplicaStatus | undefined): string {
  return status?.reason === undefined ? "" : `: ${status.reason}`;
}
