import { checkHealth } from "./health.js";
import { type ProcessFacts, readInstance, residentBytes, startedSeconds, uptimeSeconds } from "./proc.js";
import type { FleetFolder } from "./state.js";
import { type ReplicaStatus, subjectOf } from "./types.js";
import { boundLog } from "./workload.js";

/** Workloads looked at at the same time. */
const MAX_CONCURRENT_LOOKS = 32;

export interface ObserverOptions {
  readonly healthTimeoutMs: number;
  readonly maxLogBytes: number;
}

/** Looks at a fleet's workloads: what is written down, what /proc says, what their health checks answer. */
export class Observer {
  readonly #folder: FleetFolder;
  readonly #options: ObserverOptions;
  /** By instance: the processor time at the last look, so that the share since then can be told. */
  #last = new Map<string, { readonly cpuSeconds: number; readonly at: number }>();

  constructor(folder: FleetFolder, options: ObserverOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Every workload that should be there and every one that is. None before a fleet was started. */
  async list(): Promise<ReplicaStatus[]> {
    const state = await this.#folder.readState();
    if (!state) return [];
    const indices = new Set([...Array(state.replicas).keys(), ...(await this.#folder.indices())]);
    const ordered = [...indices].sort((a, b) => a - b);
    const statuses: ReplicaStatus[] = [];
    for (let from = 0; from < ordered.length; from += MAX_CONCURRENT_LOOKS) {
      const some = ordered.slice(from, from + MAX_CONCURRENT_LOOKS);
      statuses.push(...(await Promise.all(some.map((index) => this.look(index)))));
    }
    const instances = new Set(statuses.map(({ instance }) => instance));
    for (const known of this.#last.keys()) if (!instances.has(known)) this.#last.delete(known);
    return statuses;
  }

  async look(index: number): Promise<ReplicaStatus> {
    const folder = this.#folder;
    const [{ current, basePort }, spec, instance] = await Promise.all([
      folder.requireState(),
      folder.readSpec(index),
      folder.readInstance(index),
    ]);
    const release = instance?.release ?? spec?.release ?? current;
    const facts = instance && (await readInstance(instance.instance));
    const health = facts
      ? await checkHealth(spec?.port ?? basePort + index, this.#options.healthTimeoutMs)
      : { healthy: false, latencyMs: null };
    // It may have died while it was asked, and another may have answered on its port.
    const after = instance && facts && (await readInstance(instance.instance));
    await boundLog(folder.workloadDir(index), this.#options.maxLogBytes);
    return {
      subject: subjectOf(folder.name, index),
      fleet: folder.name,
      release: { name: release.name, sha256: release.sha256 },
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
