import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { HealthProbe, Release } from "../../../../../records/index.js";
import { listFolder, readJson, unlessDamaged, writeJson } from "../jsonFiles.js";
import type { InstanceId } from "../proc.js";
import type { ReplicaIdentity } from "../processes.js";

/** What makes a folder that of a host; logs are bounded as long as it is there. */
export const HOST_FILE = "host.json";
const SPEC_FILE = "spec.json";
const INSTANCE_FILE = "instance.json";
const SERVING_FILE = "serving.json";
/** Hexadecimal digits of a step's hash: no two steps of one replica share them. */
const STEP_DIGITS = 16;

/** What an instance should run, as it was ordered: `spec.json`. */
export interface InstanceSpec {
  readonly replica: string;
  readonly workload: string;
  readonly release: Release;
  readonly step: string;
  readonly probe: HealthProbe;
  readonly port: number;
}

/** What was started for it: `instance.json`. */
interface StartedInstance {
  readonly instance: InstanceId;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

const SPEC_FIELDS = {
  replica: "string",
  workload: "string",
  release: "object",
  step: "string",
  probe: "object",
  port: "number",
} as const;

/**
 * The files of a host: a folder for each replica, in it one for each instance, named by the hash of the step that ordered it. An
 * instance whose files are damaged is as one that was never started; it costs no other.
 */
export class HostFolder {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  async create(): Promise<void> {
    await writeJson(join(this.dir, HOST_FILE), { schema: "witan/host-folder/1" });
  }

  async clear(): Promise<void> {
    await rm(join(this.dir, HOST_FILE), { force: true });
    await rm(join(this.dir, "replicas"), { recursive: true, force: true });
  }

  /** The replicas that have a folder, by name. */
  async replicas(): Promise<string[]> {
    const names = await listFolder(join(this.dir, "replicas"));
    return names.flatMap((name) => decoded(name) ?? []).sort();
  }

  /** What was ordered for a replica and not stopped. */
  async specs(replica: string): Promise<InstanceSpec[]> {
    const names = await listFolder(this.#replicaDir(replica));
    const read = (name: string) =>
      unlessDamaged(
        readJson<InstanceSpec>(join(this.#replicaDir(replica), name, SPEC_FILE), SPEC_FIELDS),
        () => undefined,
      );
    const specs = await Promise.all(names.filter((name) => name !== SERVING_FILE).map(read));
    return specs.flatMap((spec) => spec ?? []);
  }

  async spec(replica: string, step: string): Promise<InstanceSpec | undefined> {
    return unlessDamaged(
      readJson<InstanceSpec>(join(this.instanceDir(replica, step), SPEC_FILE), SPEC_FIELDS),
      () => undefined,
    );
  }

  async writeSpec(spec: InstanceSpec): Promise<void> {
    await writeJson(join(this.instanceDir(spec.replica, spec.step), SPEC_FILE), spec);
  }

  async instance(replica: string, step: string): Promise<StartedInstance | undefined> {
    return unlessDamaged(
      readJson<StartedInstance>(join(this.instanceDir(replica, step), INSTANCE_FILE), { instance: "string" }),
      () => undefined,
    );
  }

  async writeInstance(replica: string, step: string, instance: StartedInstance): Promise<void> {
    await writeJson(join(this.instanceDir(replica, step), INSTANCE_FILE), instance);
  }

  /** The step of the instance that requests go to; undefined before one was named. */
  async serving(replica: string): Promise<string | undefined> {
    const file = join(this.#replicaDir(replica), SERVING_FILE);
    return (await unlessDamaged(readJson<{ readonly step: string }>(file, { step: "string" }), () => undefined))?.step;
  }

  async writeServing(replica: string, step: string): Promise<void> {
    await writeJson(join(this.#replicaDir(replica), SERVING_FILE), { step });
  }

  /** Forgets an instance, and the replica with its last one. */
  async remove(replica: string, step: string): Promise<void> {
    await rm(this.instanceDir(replica, step), { recursive: true, force: true });
    const left = (await listFolder(this.#replicaDir(replica))).filter((name) => name !== SERVING_FILE);
    if (left.length === 0) await rm(this.#replicaDir(replica), { recursive: true, force: true });
  }

  /** Names the processes of one instance, and of no other of the same replica. */
  identityOf(replica: string, step: string): ReplicaIdentity {
    return { workloadDir: this.instanceDir(replica, step), replica };
  }

  instanceDir(replica: string, step: string): string {
    const name = createHash("sha256").update(step).digest("hex").slice(0, STEP_DIGITS);
    return join(this.#replicaDir(replica), name);
  }

  #replicaDir(replica: string): string {
    return join(this.dir, "replicas", encodeURIComponent(replica));
  }
}

/** Undefined for what no replica's folder is called. */
function decoded(name: string): string | undefined {
  try {
    return encodeURIComponent(decodeURIComponent(name)) === name ? decodeURIComponent(name) : undefined;
  } catch {
    return undefined;
  }
}
