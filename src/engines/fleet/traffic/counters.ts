import { createHistogram } from "node:perf_hooks";
import type { Clock } from "../../../utils/clock.js";

/** Latencies are kept for one to two of these. */
const WINDOW_MS = 60_000;
/** An hour: longer latencies are counted as this. */
const MAX_LATENCY_MS = 3_600_000;

/** What became of the requests to a replica or a workload. */
export interface TrafficCounts {
  /** Requests that were sent on, each attempt once, since the agent or the replica started. */
  readonly requests: number;
  /** Those that the replica answered with a 5xx, broke off, or did not answer. What the client broke off is no error. */
  readonly errors: number;
  /** 95 % of the answers of the last one to two minutes took at most so many milliseconds, to their end; null without any. */
  readonly p95Ms: number | null;
}

/** Counts what becomes of requests. */
export class TrafficCounters {
  readonly #clock: Pick<Clock, "monotonic">;
  #requests = 0;
  #errors = 0;
  #current = newHistogram();
  #previous = newHistogram();
  #since: number;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** @param result `latencyMs` is undefined if the time says nothing of the replica. */
  add(result: { readonly failed: boolean; readonly latencyMs: number | undefined }): void {
    this.#turn();
    this.#requests++;
    if (result.failed) this.#errors++;
    if (result.latencyMs === undefined) return;
    this.#current.record(Math.min(MAX_LATENCY_MS, Math.max(1, Math.round(result.latencyMs))));
  }

  get counts(): TrafficCounts {
    return sumOf([this]);
  }

  /** The counts of all of them together. */
  static sum(counters: readonly TrafficCounters[]): TrafficCounts {
    return sumOf(counters);
  }

  /** @internal */
  addTo(total: { requests: number; errors: number; histogram: ReturnType<typeof newHistogram> }): void {
    this.#turn();
    total.requests += this.#requests;
    total.errors += this.#errors;
    total.histogram.add(this.#current);
    total.histogram.add(this.#previous);
  }

  #turn(): void {
    const now = this.#clock.monotonic();
    if (now - this.#since < WINDOW_MS) return;
    this.#previous = now - this.#since < 2 * WINDOW_MS ? this.#current : newHistogram();
    this.#current = newHistogram();
    this.#since = now;
  }
}

/** Two significant digits: latencies of 100 ms and more are told to 1 %. */
function newHistogram() {
  return createHistogram({ lowest: 1, highest: MAX_LATENCY_MS, figures: 2 });
}

function sumOf(counters: readonly TrafficCounters[]): TrafficCounts {
  const total = { requests: 0, errors: 0, histogram: newHistogram() };
  for (const each of counters) each.addTo(total);
  const { errors, histogram, requests } = total;
  return { requests, errors, p95Ms: histogram.count > 0 ? histogram.percentile(95) : null };
}
