import type { Clock } from "../../../utils/clock.js";
import type { RoutePolicy } from "./balance.js";
import { EVEN_ROUTE } from "./balance.js";
import type { TrafficCounts } from "./counters.js";
import type { EndpointSource } from "./endpoints.js";
import { TrafficProxy } from "./proxy.js";
import { type ReplicaTraffic, WorkloadReplicas } from "./replicas.js";
import type { TrackedReplica } from "./trackedReplica.js";

const DEFAULT_REFRESH_MS = 1_000;
/** Of a connection on one machine, or to the next. */
const DEFAULT_CONNECT_TIMEOUT_MS = 2_000;
/** As in nginx and HAProxy. */
const DEFAULT_IDLE_TIMEOUT_MS = 60_000;
/** Longer than the start of a replica: while the only one is replaced, requests are late rather than lost. */
const DEFAULT_QUEUE_TIMEOUT_MS = 10_000;
const DEFAULT_DRAIN_GRACE_MS = 10_000;

export interface TrafficOptions {
  /** The workload of each host; `*` stands for all others. Without it, a host's first label is the workload: `web.example.org`. */
  readonly hosts?: Readonly<Record<string, string>> | undefined;
  readonly balance?: RoutePolicy["balance"] | undefined;
  /** Whether what clients say in `X-Forwarded-For` and its like is passed on: only if they are proxies of one's own. False by default. */
  readonly trustForwarded?: boolean | undefined;
  readonly refreshEveryMs?: number;
  readonly connectTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly queueTimeoutMs?: number;
  /** How long a replica's requests may take to end once it is to be stopped. */
  readonly drainGraceMs?: number;
}

export interface TrafficDependencies {
  readonly endpoints: EndpointSource;
  readonly clock: Clock;
  /** Called with why the replicas cannot be listed; those known last go on being used. */
  readonly onError: (error: unknown) => void;
}

/** What `/status` shows of a workload's traffic. */
export interface WorkloadTraffic extends TrafficCounts {
  readonly workload: string;
  readonly waiting: number;
  readonly replicas: readonly ReplicaTraffic[];
}

/** Routes the requests to workloads, by name, to healthy replicas, and stops doing so before a replica is stopped. */
export class Traffic {
  readonly #dependencies: TrafficDependencies;
  readonly #options: TrafficOptions;
  readonly #workloads: ReadonlyMap<string, WorkloadReplicas>;
  readonly #proxy: TrafficProxy;
  readonly #stopping = new AbortController();
  #refreshing: Promise<void> | undefined;
  #running: Promise<void> | undefined;

  constructor(dependencies: TrafficDependencies, options: TrafficOptions = {}) {
    this.#dependencies = dependencies;
    this.#options = options;
    const { clock, endpoints } = dependencies;
    const policy = { ...EVEN_ROUTE, balance: options.balance ?? EVEN_ROUTE.balance };
    this.#workloads = new Map(endpoints.workloads.map((name) => [name, new WorkloadReplicas(clock, policy)]));
    this.#proxy = new TrafficProxy({
      clock,
      route: (host) => this.#workloads.get(this.#workloadOf(host)),
      trustForwarded: options.trustForwarded ?? false,
      connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
      queueTimeoutMs: options.queueTimeoutMs ?? DEFAULT_QUEUE_TIMEOUT_MS,
    });
  }

  /** @throws the error of node:net if the port cannot be had. */
  async start(port: number, host: string): Promise<void> {
    await this.#proxy.listen(port, host);
    await this.refresh();
    this.#running = this.#refreshForEver();
  }

  /** Takes no more requests, and ends those in flight within the grace for draining. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#running, this.#proxy.close(this.#options.drainGraceMs ?? DEFAULT_DRAIN_GRACE_MS)]);
  }

  /** How the requests to a workload are spread from now on. */
  setPolicy(workload: string, policy: RoutePolicy): void {
    const replicas = this.#workloads.get(workload);
    if (replicas !== undefined) replicas.balancer.policy = policy;
  }

  /**
   * Sends no new requests to a replica, and resolves when those in flight have ended or a grace has passed. A replica that is
   * started in its place gets requests once it is healthy.
   */
  async drain(subject: string): Promise<void> {
    // Replicas that were started before this one is stopped are to take over what it leaves.
    await this.refresh();
    const graceMs = this.#options.drainGraceMs ?? DEFAULT_DRAIN_GRACE_MS;
    await Promise.all([...this.#workloads.values()].map((replicas) => replicas.drain(subject, graceMs)));
  }

  /** A replica that was drained and was not stopped gets requests again. */
  undrain(subject: string): void {
    for (const replicas of this.#workloads.values()) replicas.undrain(subject);
  }

  /** Lists the replicas anew. One listing that had begun before is not enough, since it may have missed what happened since. */
  async refresh(): Promise<void> {
    await this.#refreshing;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  get status(): { readonly address: TrafficProxy["address"]; readonly workloads: readonly WorkloadTraffic[] } {
    const workloads = [...this.#workloads].map(([workload, replicas]) => ({
      workload,
      ...replicas.counts,
      waiting: replicas.waiting,
      replicas: replicas.traffic,
    }));
    return { address: this.#proxy.address, workloads };
  }

  async #refreshForEver(): Promise<void> {
    const { clock } = this.#dependencies;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(this.#options.refreshEveryMs ?? DEFAULT_REFRESH_MS, signal).catch(() => undefined);
      if (!signal.aborted) await this.refresh();
    }
  }

  async #refresh(): Promise<void> {
    const { endpoints, onError } = this.#dependencies;
    const reachable = new Map([...this.#workloads].map(([name, replicas]) => [name, replicas.reachable()]));
    try {
      const listed = await endpoints.list();
      for (const [name, replicas] of this.#workloads) {
        replicas.update(
          listed.filter(({ workload }) => workload === name),
          reachable.get(name) ?? new Set<TrackedReplica>(),
        );
      }
    } catch (error) {
      onError(error);
    }
  }

  #workloadOf(host: string): string {
    const { hosts = {} } = this.#options;
    const label = host.split(".")[0] ?? "";
    return hosts[host] ?? (this.#workloads.has(label) ? label : hosts["*"]) ?? "";
  }
}
