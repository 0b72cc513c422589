import type { Clock } from "../../../../../utils/clock.js";
import type { HostedInstance } from "../../../host/types.js";
import { checkHealth, type HealthResult } from "../health.js";
import { boundLog } from "../logs.js";
import { PortOwners } from "../ports.js";
import { type ProcessFacts, readInstance } from "../proc.js";
import type { HostFolder, InstanceSpec } from "./hostFolder.js";

/** Replicas listen on loopback alone: other hosts reach them through this host's proxy. */
const HOST = "127.0.0.1";

export interface InstanceProberOptions {
  readonly maxLogBytes: number;
  readonly clock: Clock;
}

/** Probes instances by the host's files, by /proc and by their health checks. */
export class InstanceProber {
  readonly #folder: HostFolder;
  readonly #options: InstanceProberOptions;
  readonly #ports = new PortOwners();

  constructor(folder: HostFolder, options: InstanceProberOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  async probe(spec: InstanceSpec, serving: boolean): Promise<HostedInstance> {
    const { port, probe, release, replica, step, workload } = spec;
    const known = await this.#folder.instance(replica, step);
    const facts = known && (await readInstance(known.instance));
    const health = facts
      ? await this.#check(spec, facts)
      : { healthy: false, latencyMs: null, reason: known ? "its process has ended" : "it never started" };
    // It may have died during the health check, and another process may have answered on its port.
    const after = known && facts && (await readInstance(known.instance));
    const reason = after || !facts ? health.reason : "its process ended during the health check";
    await boundLog(this.#folder.instanceDir(replica, step), this.#options.maxLogBytes);
    return {
      ...{ replica, workload, step, serving, probe },
      release: release.sha256,
      instance: known?.instance ?? null,
      alive: after !== undefined,
      healthy: after !== undefined && health.healthy,
      ...(reason === undefined ? {} : { reason }),
      address: { host: HOST, port },
      latencyMs: health.latencyMs,
    };
  }

  /** Healthy is what answers well, itself: on a port that its own processes hold. */
  async #check({ port, probe, replica, step }: InstanceSpec, leader: ProcessFacts): Promise<HealthResult> {
    const health = await checkHealth(port, probe.timeoutMs, this.#options.clock, probe.path);
    // The process is over as far as its parent can tell, and what is left of it answers to nobody's signals for long.
    if (leader.leaderExited) return { ...health, healthy: false, reason: "its leading thread has exited" };
    if (health.latencyMs === null) return health;
    const reason = await this.#ports.foreign(port, this.#folder.identityOf(replica, step), leader);
    return reason === undefined ? health : { ...health, healthy: false, reason };
  }
}
