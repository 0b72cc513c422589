import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Release } from "../../records/index.js";
import { writeDurably } from "../../utils/durable.js";
import { FleetError } from "./errors.js";
import { lockOwner } from "./lock.js";
import type { InstanceId } from "./proc.js";
import type { FleetState } from "./types.js";

/** Journals of directives that are kept; the oldest go first. A directive older than that has long expired. */
const MAX_JOURNALS = 256;

/** What a workload is to run: `spec.json`. */
export interface ReplicaSpec {
  readonly release: Release;
  readonly port: number;
  /** The step that ordered it. */
  readonly step: string;
}

/** What a workload runs, or ran last: `instance.json`. */
export interface ReplicaInstance {
  readonly instance: InstanceId;
  readonly release: Release;
  readonly step: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

/** Which workloads an executor is changing: `changing.json`. It counts only while its author holds the lock. */
interface Changing {
  readonly owner: InstanceId;
  readonly indices: readonly number[];
}

/** A fleet's folder: what the agents of one machine share. */
export class FleetFolder {
  readonly dir: string;
  readonly name: string;

  constructor(dir: string, name: string) {
    this.dir = dir;
    this.name = name;
  }

  readState(): Promise<FleetState | undefined> {
    return readJson<FleetState>(join(this.dir, "fleet.json"));
  }

  async requireState(): Promise<FleetState> {
    const state = await this.readState();
    if (state?.name === this.name) return state;
    throw new FleetError("unknown-fleet", `No fleet "${this.name}" was started in ${this.dir}.`);
  }

  writeState(state: FleetState): Promise<void> {
    return writeJson(join(this.dir, "fleet.json"), state);
  }

  /** Forgets the fleet; the state goes first, since without it there is no fleet. */
  async clear(): Promise<void> {
    for (const name of ["fleet.json", "changing.json", "workloads", "journal"]) {
      await rm(join(this.dir, name), { recursive: true, force: true });
    }
  }

  /** The indices of all workloads that have a folder. */
  async indices(): Promise<number[]> {
    const prefix = `${this.name}-`;
    const names = await listFolder(join(this.dir, "workloads"));
    return names
      .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
      .map((name) => Number(name.slice(prefix.length)))
      .sort((a, b) => a - b);
  }

  workloadDir(index: number): string {
    return join(this.dir, "workloads", `${this.name}-${index}`);
  }

  readSpec(index: number): Promise<ReplicaSpec | undefined> {
    return readJson(join(this.workloadDir(index), "spec.json"));
  }

  writeSpec(index: number, spec: ReplicaSpec): Promise<void> {
    return writeJson(join(this.workloadDir(index), "spec.json"), spec);
  }

  readInstance(index: number): Promise<ReplicaInstance | undefined> {
    return readJson(join(this.workloadDir(index), "instance.json"));
  }

  writeInstance(index: number, instance: ReplicaInstance): Promise<void> {
    return writeJson(join(this.workloadDir(index), "instance.json"), instance);
  }

  removeWorkload(index: number): Promise<void> {
    return rm(this.workloadDir(index), { recursive: true, force: true });
  }

  writeChanging(owner: InstanceId, indices: readonly number[]): Promise<void> {
    return writeJson(join(this.dir, "changing.json"), { owner, indices } satisfies Changing);
  }

  removeChanging(): Promise<void> {
    return rm(join(this.dir, "changing.json"), { force: true });
  }

  /** The indices that a living executor is changing right now. */
  async changing(): Promise<ReadonlySet<number>> {
    const changing = await readJson<Changing>(join(this.dir, "changing.json"));
    return new Set(changing && (await lockOwner(this.dir)) === changing.owner ? changing.indices : []);
  }

  journalPath(directiveId: string): string {
    return join(this.dir, "journal", `${directiveId}.jsonl`);
  }

  /** Keeps the journals bounded. */
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

async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function writeJson(path: string, value: FleetState | ReplicaSpec | ReplicaInstance | Changing): Promise<void> {
  return writeDurably(path, `${JSON.stringify(value, null, 2)}\n`);
}
