import pMap from "p-map";
import type { Clock } from "../../../../utils/clock.js";
import { type ReplicaStatus, subjectOfReplica } from "../../types.js";
import { checkHealth } from "./health.js";
import { type ProcessFacts, readInstance, residentBytes, startedSeconds, uptimeSeconds } from "./proc.js";
import { boundLog } from "./replica.js";
import type { WorkloadFolder } from "./workloadFolder.js";

/** Replicas probed at the same time. */
const MAX_CONCURRENT_PROBES = 32;

export interface ReplicaProberOptions {
  readonly healthTimeoutMs: number;
  readonly maxLogBytes: number;
  readonly clock: Clock;
}

/** Probes a workload's replicas: by the files in its folder, by /proc and by their health checks. */
export class ReplicaProber {
  readonly #folder: WorkloadFolder;
  readonly #options: ReplicaProberOptions;
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
    const statuses = await pMap(ordered, (index) => this.probe(index), { concurrency: MAX_CONCURRENT_PROBES });
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
    const health = facts
      ? await checkHealth(spec?.port ?? basePort + index, this.#options.healthTimeoutMs, this.#options.clock)
      : { healthy: false, latencyMs: null };
    // It may have died during the health check, and another process may have answered on its port.
    const after = instance && facts && (await readInstance(instance.instance));
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
      latencyMs: health.latencyMs,
      changing: (await folder.changing()).has(index),
      cpu: after && instance ? await this.#cores(instance.instance, after) : 0,
      memoryBytes: after ? await residentBytes(after.pid) : 0,
    };
  }

  async #cores(instance: string, facts: ProcessFacts): Promise<number> {
    const at = await uptimeSeconds();
    const last = this.#last.get(instance) ?? { cpuSeconds: 0, at: startedSeconds(facts) };
    this.#last.set(instance, { cpuSeconds: facts.cpuSeconds, at });
    return at > last.at ? Math.max(0, (facts.cpuSeconds - last.cpuSeconds) / (at - last.at)) : 0;
  }
}
