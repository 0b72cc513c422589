import pMap from "p-map";
import { messageOf } from "../../../../errors.js";
import { replicaName } from "../../../../records/index.js";
import type { Clock } from "../../../../utils/clock.js";
import { type ReplicaStatus, subjectOfReplica, type WorkloadState } from "../../types.js";
import { checkHealth, type HealthResult } from "./health.js";
import { boundLog } from "./logs.js";
import { PortOwners } from "./ports.js";
import { type ProcessFacts, readInstance, residentBytes, startedSeconds, uptimeSeconds } from "./proc.js";
import type { WorkloadFolder } from "./workloadFolder.js";

/** Replicas probed at the same time. */
const MAX_CONCURRENT_PROBES = 32;

/** Replicas listen on loopback alone: other hosts reach them through this host's proxy. */
const HOST = "127.0.0.1";

export interface ReplicaProberOptions {
  readonly healthTimeoutMs: number;
  readonly maxLogBytes: number;
  readonly clock: Clock;
}

/** Probes a workload's replicas: by the files in its folder, by /proc and by their health checks. */
export class ReplicaProber {
  readonly #folder: WorkloadFolder;
  readonly #options: ReplicaProberOptions;
  readonly #ports = new PortOwners();
  /** By instance: its processor time at the last probe, from which the cores in use since then follow. */
  #last = new Map<string, { readonly cpuSeconds: number; readonly at: number }>();

  constructor(folder: WorkloadFolder, options: ReplicaProberOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Every replica that should run and every one that has a folder. None before the workload was created. */
  async list(): Promise<ReplicaStatus[]> {
    const state = await this.#folder.readState();
    if (!state) return [];
    const indices = new Set([...Array(state.replicas).keys(), ...(await this.#folder.indices())]);
    const ordered = [...indices].sort((a, b) => a - b);
    const probe = (index: number) => this.probe(index).catch((error: unknown) => this.#unknown(index, state, error));
    const statuses = await pMap(ordered, probe, { concurrency: MAX_CONCURRENT_PROBES });
    const instances = new Set(statuses.map(({ instance }) => instance));
    for (const known of this.#last.keys()) if (!instances.has(known)) this.#last.delete(known);
    return statuses;
  }

  async probe(index: number): Promise<ReplicaStatus> {
    const folder = this.#folder;
    const [{ current, basePort, broughtBy }, spec, instance] = await Promise.all([
      folder.requireState(),
      folder.readSpec(index),
      folder.readInstance(index),
    ]);
    const release = instance?.release ?? spec?.release ?? current;
    const facts = instance && (await readInstance(instance.instance));
    const port = spec?.port ?? basePort + index;
    const health = facts
      ? await this.#check(index, port, facts)
      : { healthy: false, latencyMs: null, reason: instance ? "its process has ended" : "it never started" };
    // It may have died during the health check, and another process may have answered on its port.
    const after = instance && facts && (await readInstance(instance.instance));
    const reason = after || !facts ? health.reason : "its process ended during the health check";
    await boundLog(folder.replicaDir(index), this.#options.maxLogBytes);
    return {
      subject: subjectOfReplica(folder.workload, index),
      workload: folder.workload,
      release: {
        ...{ name: release.name, sha256: release.sha256 },
        ...(broughtBy !== undefined && release.sha256 === current.sha256 ? { broughtBy } : {}),
      },
      instance: instance?.instance ?? null,
      alive: after !== undefined,
      healthy: after !== undefined && health.healthy,
      ...(reason === undefined ? {} : { reason }),
      address: { host: HOST, port },
      latencyMs: health.latencyMs,
      changing: (await folder.changing()).has(index),
      cpu: after && instance ? await this.#cores(instance.instance, after) : 0,
      memoryBytes: after ? await residentBytes(after.pid) : 0,
    };
  }

  /** Healthy is a replica that answers well, itself: on a port that its own processes hold. */
  async #check(index: number, port: number, leader: ProcessFacts): Promise<HealthResult> {
    const health = await checkHealth(port, this.#options.healthTimeoutMs, this.#options.clock);
    // The process is over as far as its parent can tell, and what is left of it answers to nobody's signals for long.
    if (leader.leaderExited) return { ...health, healthy: false, reason: "its leading thread has exited" };
    if (health.latencyMs === null) return health;
    const identity = { workloadDir: this.#folder.dir, replica: replicaName(this.#folder.workload, index) };
    const reason = await this.#ports.foreign(port, identity, leader);
    return reason === undefined ? health : { ...health, healthy: false, reason };
  }

  /** What is known of a replica that cannot be probed: one whose files are damaged costs no other. */
  #unknown(index: number, { current }: WorkloadState, error: unknown): ReplicaStatus {
    return {
      ...{ subject: subjectOfReplica(this.#folder.workload, index), workload: this.#folder.workload },
      release: { name: current.name, sha256: current.sha256 },
      ...{ instance: null, alive: false, healthy: false, latencyMs: null, changing: false, cpu: 0, memoryBytes: 0 },
      reason: messageOf(error),
    };
  }

  async #cores(instance: string, facts: ProcessFacts): Promise<number> {
    const at = await uptimeSeconds();
    const last = this.#last.get(instance) ?? { cpuSeconds: 0, at: startedSeconds(facts) };
    this.#last.set(instance, { cpuSeconds: facts.cpuSeconds, at });
    return at > last.at ? Math.max(0, (facts.cpuSeconds - last.cpuSeconds) / (at - last.at)) : 0;
  }
}
