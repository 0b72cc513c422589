import type { Clock } from "../../../utils/clock.js";
import { Balancer, type RoutePolicy } from "./balance.js";
import { TrafficCounters, type TrafficCounts } from "./counters.js";
import type { ReplicaEndpoint } from "./endpoints.js";
import type { TrackedReplica } from "./trackedReplica.js";

/** Requests that wait for a replica at once, for each workload: beyond it a queue only makes answers late. */
const MAX_WAITING = 1_024;

/** What a proxy sent to a replica, and whether it sends more. */
export interface ReplicaTraffic extends TrafficCounts {
  readonly subject: string;
  readonly instance: string;
  readonly release: string;
  readonly state: "draining" | "serving" | "unhealthy" | "unreachable";
  /** Requests and upgraded connections that have not ended. */
  readonly inFlight: number;
}

/** The replicas of one workload, as far as requests go. */
export class WorkloadReplicas {
  readonly balancer = new Balancer();
  readonly #clock: Clock;
  /** By subject and instance: a replica that was started anew starts anew here too. */
  #replicas = new Map<string, TrackedReplica>();
  #retired: TrafficCounts = { requests: 0, errors: 0, p95Ms: null };
  /** Called when a replica can take requests again, or has ended one. */
  readonly #listeners = new Set<() => void>();
  #waiting = 0;

  constructor(clock: Clock, policy: RoutePolicy) {
    this.#clock = clock;
    this.balancer.policy = policy;
  }

  /** Requests that wait for a replica now. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The replicas that nothing is known against now. */
  reachable(): ReadonlySet<TrackedReplica> {
    return new Set([...this.#replicas.values()].filter(({ unreachable }) => !unreachable));
  }

  /**
   * Takes over what was listed.
   *
   * @param reachable Those that could be reached when the listing began: one that could not be since then stays unreachable
   * until the next listing.
   */
  update(endpoints: readonly ReplicaEndpoint[], reachable: ReadonlySet<TrackedReplica>): void {
    const next = new Map<string, TrackedReplica>();
    for (const endpoint of endpoints) {
      const key = `${endpoint.subject} ${endpoint.instance}`;
      const known = this.#replicas.get(key);
      const replica = known ?? {
        ...{ endpoint, inFlight: 0, draining: false, unreachable: false },
        counters: new TrafficCounters(this.#clock),
      };
      replica.endpoint = endpoint;
      if (!reachable.has(replica)) replica.unreachable = false;
      next.set(key, replica);
    }
    for (const [key, replica] of this.#replicas) {
      if (next.has(key)) continue;
      // What was in flight when it went away ends soon, and is counted.
      if (replica.inFlight > 0) {
        replica.endpoint = { ...replica.endpoint, healthy: false };
        next.set(key, replica);
      } else this.#retire(replica);
    }
    this.#replicas = next;
    this.#changed();
  }

  /** The replica for a request with these headers, at once or within `timeoutMs`; undefined after that, or if the signal aborts. */
  async next(
    headers: Parameters<Balancer["choose"]>[1],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<TrackedReplica | undefined> {
    const choose = () => this.balancer.choose([...this.#replicas.values()].filter(isServing), headers);
    const deadline = this.#clock.monotonic() + timeoutMs;
    for (;;) {
      const found = choose();
      const leftMs = deadline - this.#clock.monotonic();
      if (found !== undefined || leftMs <= 0 || signal.aborted || this.#waiting >= MAX_WAITING) return found;
      this.#waiting++;
      await this.#change(leftMs, signal).finally(() => this.#waiting--);
    }
  }

  /** Stops new requests to a replica, and resolves when those in flight have ended, or after `graceMs`. */
  async drain(subject: string, graceMs: number): Promise<void> {
    const draining = this.#of(subject);
    for (const replica of draining) replica.draining = true;
    const deadline = this.#clock.monotonic() + graceMs;
    while (draining.some(({ inFlight }) => inFlight > 0)) {
      const leftMs = deadline - this.#clock.monotonic();
      if (leftMs <= 0) return;
      await this.#change(leftMs);
    }
  }

  /** A replica that was drained and not stopped gets requests again. */
  undrain(subject: string): void {
    for (const replica of this.#of(subject)) replica.draining = false;
    this.#changed();
  }

  /** A request to it has ended. */
  ended(replica: TrackedReplica): void {
    replica.inFlight--;
    this.#changed();
  }

  get traffic(): readonly ReplicaTraffic[] {
    return [...this.#replicas.values()].map((replica) => ({
      subject: replica.endpoint.subject,
      instance: replica.endpoint.instance,
      release: replica.endpoint.release.name,
      state: stateOf(replica),
      inFlight: replica.inFlight,
      ...replica.counters.counts,
    }));
  }

  /** Those of replicas that have gone included, but for their latencies. */
  get counts(): TrafficCounts {
    const { errors, p95Ms, requests } = TrafficCounters.sum(
      [...this.#replicas.values()].map(({ counters }) => counters),
    );
    return { requests: requests + this.#retired.requests, errors: errors + this.#retired.errors, p95Ms };
  }

  #of(subject: string): TrackedReplica[] {
    return [...this.#replicas.values()].filter(({ endpoint }) => endpoint.subject === subject);
  }

  #retire({ counters }: TrackedReplica): void {
    const { errors, requests } = counters.counts;
    this.#retired = {
      ...this.#retired,
      requests: this.#retired.requests + requests,
      errors: this.#retired.errors + errors,
    };
  }

  #changed(): void {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }

  /** Resolves at the next change, after `timeoutMs`, or when the signal aborts. */
  #change(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        this.#listeners.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.#clock.after(timeoutMs, done);
      this.#listeners.add(done);
      signal?.addEventListener("abort", done, { once: true });
    });
  }
}

function isServing(replica: TrackedReplica): boolean {
  return stateOf(replica) === "serving";
}

function stateOf({ draining, endpoint, unreachable }: TrackedReplica): ReplicaTraffic["state"] {
  if (draining) return "draining";
  if (unreachable) return "unreachable";
  return endpoint.healthy ? "serving" : "unhealthy";
}
