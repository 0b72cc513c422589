import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Release } from "../../../../records/index.js";
import { FleetError } from "../../errors.js";
import type { WorkloadState } from "../../types.js";
import { listFolder, readJson, unlessDamaged, writeJson } from "./jsonFiles.js";
import { lockOwner } from "./lock.js";
import type { InstanceId } from "./proc.js";

/** Journals kept; the oldest are removed first. The directives of older ones have long expired. */
const MAX_JOURNALS = 256;

/** What a replica should run: `spec.json`. */
export interface ReplicaSpec {
  readonly release: Release;
  readonly port: number;
  /** The step that ordered it. */
  readonly step: string;
}

/** What a replica runs, or ran last: `instance.json`. */
export interface ReplicaInstance {
  readonly instance: InstanceId;
  readonly release: Release;
  readonly step: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

const STATE_FILE = "workload.json";
const STATE_COPY = "workload.copy.json";
const STATE_FIELDS = {
  workload: "string",
  basePort: "number",
  replicas: "number",
  current: "object",
  good: "object",
} as const;

/** No process has this id: the instance of a replica whose file is damaged counts as dead, so that it is started anew. */
const NO_INSTANCE: InstanceId = "0@0";

/** Which replicas an executor is changing: `changing.json`. It counts only while its owner holds the lock. */
interface ChangingFile {
  readonly owner: InstanceId;
  readonly indices: readonly number[];
}

/** A workload's folder, which the agents of one machine share. */
export class WorkloadFolder {
  readonly dir: string;
  readonly workload: string;

  constructor(dir: string, workload: string) {
    this.dir = dir;
    this.workload = workload;
  }

  /**
   * Its copy takes the place of a file that is damaged or missing.
   *
   * @throws {FleetError} `damaged` if both are: then nobody knows what should run.
   */
  async readState(): Promise<WorkloadState | undefined> {
    const read = (name: string) => readJson<WorkloadState>(join(this.dir, name), STATE_FIELDS);
    try {
      return (await read(STATE_FILE)) ?? (await read(STATE_COPY));
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      const copy = await read(STATE_COPY);
      if (copy === undefined) throw error;
      return copy;
    }
  }

  async requireState(): Promise<WorkloadState> {
    const state = await this.readState();
    if (state?.workload === this.workload) return state;
    throw new FleetError("unknown-workload", `No workload "${this.workload}" was started in ${this.dir}.`);
  }

  async writeState(state: WorkloadState): Promise<void> {
    // The copy first: it is never older than the file in whose place it is read.
    await writeJson(join(this.dir, STATE_COPY), state);
    await writeJson(join(this.dir, STATE_FILE), state);
  }

  /** Removes the workload; its state first, since without it the rest does not count. */
  async clear(): Promise<void> {
    for (const name of [STATE_COPY, STATE_FILE, "changing.json", "replicas", "journal"]) {
      await rm(join(this.dir, name), { recursive: true, force: true });
    }
  }

  /** The indices of all replicas that have a folder. */
  async indices(): Promise<number[]> {
    const names = await listFolder(join(this.dir, "replicas"));
    return names
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  replicaDir(index: number): string {
    return join(this.dir, "replicas", String(index));
  }

  /** Undefined without one, or if it is damaged: the workload's state says what should run. */
  readSpec(index: number): Promise<ReplicaSpec | undefined> {
    return unlessDamaged(
      readJson<ReplicaSpec>(join(this.replicaDir(index), "spec.json"), {
        release: "object",
        port: "number",
        step: "string",
      }),
      () => undefined,
    );
  }

  writeSpec(index: number, spec: ReplicaSpec): Promise<void> {
    return writeJson(join(this.replicaDir(index), "spec.json"), spec);
  }

  readInstance(index: number): Promise<ReplicaInstance | undefined> {
    const fields = { instance: "string", release: "object", step: "string" } as const;
    const read = readJson<ReplicaInstance>(join(this.replicaDir(index), "instance.json"), fields);
    return unlessDamaged(read, async () => {
      const release = (await this.readSpec(index))?.release ?? (await this.requireState()).current;
      return { instance: NO_INSTANCE, release, step: "", startedAt: 0 };
    });
  }

  writeInstance(index: number, instance: ReplicaInstance): Promise<void> {
    return writeJson(join(this.replicaDir(index), "instance.json"), instance);
  }

  removeReplica(index: number): Promise<void> {
    return rm(this.replicaDir(index), { recursive: true, force: true });
  }

  writeChanging(owner: InstanceId, indices: readonly number[]): Promise<void> {
    return writeJson(join(this.dir, "changing.json"), { owner, indices } satisfies ChangingFile);
  }

  removeChanging(): Promise<void> {
    return rm(join(this.dir, "changing.json"), { force: true });
  }

  /** The indices that a living executor is changing right now. */
  async changing(): Promise<ReadonlySet<number>> {
    const read = readJson<ChangingFile>(join(this.dir, "changing.json"), { owner: "string", indices: "object" });
    const changing = await unlessDamaged(read, () => undefined);
    const owner = changing && (await unlessDamaged(lockOwner(this.dir), () => null));
    return new Set(changing && owner === changing.owner ? changing.indices : []);
  }

  journalPath(directiveId: string): string {
    return join(this.dir, "journal", `${directiveId}.jsonl`);
  }

  /** Removes the oldest journals. */
  async pruneJournals(): Promise<void> {
    const folder = join(this.dir, "journal");
    const names = (await listFolder(folder)).filter((name) => name.endsWith(".jsonl"));
    if (names.length <= MAX_JOURNALS) return;
    const dated = await Promise.all(
      names.map(async (name) => ({ name, time: (await stat(join(folder, name))).mtimeMs })),
    );
    dated.sort((a, b) => b.time - a.time);
    for (const { name } of dated.slice(MAX_JOURNALS)) await rm(join(folder, name), { force: true });
  }
}
