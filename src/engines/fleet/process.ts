import { mkdirSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { InvalidInputError } from "../../errors.js";
import type { Release } from "../../records/index.js";
import { Journal } from "../../utils/journal.js";
import { DEFAULT_HEALTH_TIMEOUT_MS } from "./health.js";
import { acquireLock } from "./lock.js";
import { Observer } from "./observe.js";
import { type InstanceId, instanceIdOf, ownInstanceId, readInstance, requireProc } from "./proc.js";
import { FleetFolder } from "./state.js";
import type { FleetDriver, FleetSession, ReplicaStatus } from "./types.js";
import { checkRelease, findProcesses, findStarted, startProcess, stopProcesses } from "./workload.js";

const MAX_PORT = 65_535;
const DEFAULT_GRACE_MS = 2_000;
const DEFAULT_MAX_LOG_BYTES = 1024 * 1024;

export interface ProcessFleetOptions {
  /** The folder that all agents of the machine share. Made where it is missing. */
  readonly dir: string;
  /** Letters, digits and dashes; workloads are `${name}-0`, `${name}-1`, ... */
  readonly name: string;
  /** Workload n listens on 127.0.0.1 at `basePort + n`, given as `PORT` in its environment. */
  readonly basePort: number;
  /** Where relative paths in the command of a release start; the working directory by default. */
  readonly root?: string;
  readonly healthTimeoutMs?: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
  /** A workload's log starts anew beyond this. */
  readonly maxLogBytes?: number;
}

export interface ProcessFleet extends FleetDriver {
  /**
   * Brings a first fleet up: `replicas` workloads on `release`, which is held good. What already runs it is left alone.
   *
   * @throws {FleetError} `busy`, `hash-mismatch`, `not-startable`.
   */
  createFleet(options: { readonly release: Release; readonly replicas: number }): Promise<void>;
  /** Ends every process of the fleet, also those nobody wrote down, and forgets the fleet, its journals and its logs. */
  stopAll(): Promise<void>;
}

/**
 * A fleet of local processes. Everything about it is on disk, in `dir`, so that any agent of the machine can see it, change
 * it, or go on where another was killed. Workloads are processes of their own and live on when agents die.
 *
 * @throws {ConfigError} without /proc; {@link InvalidInputError} on a name or port that cannot be.
 */
export function createProcessFleet(options: ProcessFleetOptions): ProcessFleet {
  requireProc();
  const { name, basePort, root = process.cwd(), graceMs = DEFAULT_GRACE_MS } = options;
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    throw new InvalidInputError(`"${name}" is not a fleet's name: lower-case letters, digits and dashes.`);
  }
  if (!Number.isInteger(basePort) || basePort < 1 || basePort > MAX_PORT) {
    throw new InvalidInputError(`${basePort} is not a port.`);
  }
  mkdirSync(options.dir, { recursive: true });
  // One folder, one name: processes are found by it.
  const dir = realpathSync(resolve(options.dir));
  const folder = new FleetFolder(dir, name);
  const observer = new Observer(folder, {
    healthTimeoutMs: options.healthTimeoutMs ?? DEFAULT_HEALTH_TIMEOUT_MS,
    maxLogBytes: options.maxLogBytes ?? DEFAULT_MAX_LOG_BYTES,
  });
  const named = (index: number) => ({ fleetDir: dir, workload: `${name}-${index}` });

  async function stopWorkload(index: number): Promise<void> {
    const known = await folder.readInstance(index);
    const recorded = known && (await readInstance(known.instance));
    const found = await findProcesses(dir, named(index).workload);
    await stopProcesses(recorded ? [...found, recorded] : found, graceMs);
  }

  async function replace(
    index: number,
    release: Release,
    step: string,
    onStep: (step: string) => void,
  ): Promise<InstanceId> {
    const known = await folder.readInstance(index);
    if (known?.step === step) return known.instance;
    const orphan = await findStarted(named(index), step);
    let instance = orphan && instanceIdOf(orphan);
    if (instance === undefined) {
      await checkRelease(release, root);
      const port = portOf(index);
      await folder.writeSpec(index, { release, port, step });
      await stopWorkload(index);
      onStep(`stopped ${index}`);
      instance = await startProcess({ ...named(index), release, step, port, root, dir: folder.workloadDir(index) });
      onStep(`spawned ${index}`);
    }
    await folder.writeInstance(index, { instance, release, step, startedAt: Date.now() });
    return instance;
  }

  function portOf(index: number): number {
    const port = basePort + index;
    if (port > MAX_PORT) throw new InvalidInputError(`Workload ${name}-${index} would need port ${port}.`);
    return port;
  }

  async function exclusively<T>(
    work: (session: FleetSession) => Promise<T>,
    onStep: (step: string) => void = () => undefined,
  ): Promise<T> {
    const lock = await acquireLock(dir);
    try {
      const owner = await ownInstanceId();
      return await work({
        state: () => folder.requireState(),
        writeState: (state) => folder.writeState(state),
        openJournal: async <Entry>(directiveId: string) => {
          await folder.pruneJournals();
          return await Journal.open<Entry>(folder.journalPath(directiveId));
        },
        announce: (indices) => folder.writeChanging(owner, indices),
        check: (release) => checkRelease(release, root),
        replace: (index, release, step) => replace(index, release, step, onStep),
        remove: async (index) => {
          await stopWorkload(index);
          onStep(`stopped ${index}`);
          await folder.removeWorkload(index);
        },
        look: (index) => observer.look(index),
      });
    } finally {
      await folder.removeChanging();
      await lock.release();
    }
  }

  return {
    name,
    exclusively,
    list: (): Promise<ReplicaStatus[]> => observer.list(),
    createFleet: ({ release, replicas }) =>
      exclusively(async () => {
        portOf(replicas);
        await checkRelease(release, root);
        // What was done to an earlier fleet here has nothing to do with this one.
        if (!(await folder.readState())) await folder.clear();
        await folder.writeState({ name, basePort, replicas, current: release, good: [release], rollout: null });
        const creation = `create/${Date.now()}`;
        for (let index = 0; index < replicas; index++) {
          const status = await observer.look(index);
          if (status.alive && status.release.sha256 === release.sha256) continue;
          await replace(index, release, `${creation}/${index}`, () => undefined);
        }
      }),
    stopAll: () =>
      exclusively(async () => {
        for (const index of await folder.indices()) await stopWorkload(index);
        await stopProcesses(await findProcesses(dir), graceMs);
        await folder.clear();
      }),
  };
}
