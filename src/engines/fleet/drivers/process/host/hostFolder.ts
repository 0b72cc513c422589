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
/** In place of the step of an instance whose order cannot be read: its folder's name follows. */
const DAMAGED = "damaged:";
const NO_RELEASE: Release = { name: "", command: [], sha256: `0x${"0".repeat(64)}` };
/** No process has this id: what was started, and by what name is damaged, counts as dead. */
const NO_INSTANCE: InstanceId = "0@0";

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

  /** What was ordered for a replica and not stopped; also what nobody can read any more, so that it can be stopped. */
  async specs(replica: string): Promise<InstanceSpec[]> {
    const names = await listFolder(this.#replicaDir(replica));
    const read = async (name: string): Promise<InstanceSpec> => {
      const file = join(this.#replicaDir(replica), name, SPEC_FILE);
      const spec = await unlessDamaged(readJson<InstanceSpec>(file, SPEC_FIELDS), () => undefined);
      return spec?.replica === replica && stepName(spec.step) === name ? spec : damagedSpec(replica, name);
    };
    return Promise.all(names.filter((name) => name !== SERVING_FILE).map(read));
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

  /** Undefined if none was written down. */
  async instance(replica: string, step: string): Promise<StartedInstance | undefined> {
    const file = join(this.instanceDir(replica, step), INSTANCE_FILE);
    const dead = { instance: NO_INSTANCE, startedAt: 0 };
    return unlessDamaged(readJson<StartedInstance>(file, { instance: "string" }), () => dead);
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
    return join(this.#replicaDir(replica), stepName(step));
  }

  #replicaDir(replica: string): string {
    return join(this.dir, "replicas", encoded(replica));
  }
}

function stepName(step: string): string {
  if (step.startsWith(DAMAGED)) return step.slice(DAMAGED.length);
  return createHash("sha256").update(step).digest("hex").slice(0, STEP_DIGITS);
}

/** Its processes are found by the folder's path, and stopped; nothing else is known of it. */
function damagedSpec(replica: string, name: string): InstanceSpec {
  const probe = { path: "/", timeoutMs: 1 };
  return { replica, workload: "", release: NO_RELEASE, step: `${DAMAGED}${name}`, probe, port: 0 };
}

/** A folder's name, which is never "." or "..". */
function encoded(replica: string): string {
  return encodeURIComponent(replica).replaceAll(".", "%2E");
}

/** Undefined for what no replica's folder is called. */
function decoded(name: string): string | undefined {
  try {
    const replica = decodeURIComponent(name);
    return encoded(replica) === name ? replica : undefined;
  } catch {
    return undefined;
  }
}
