import { randomUUID } from "node:crypto";
import { mkdirSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { InvalidInputError } from "../../../../errors.js";
import { type Release, replicaName } from "../../../../records/index.js";
import { type Clock, systemClock } from "../../../../utils/clock.js";
import { Journal, JournalError } from "../../../../utils/journal.js";
import { FleetError } from "../../errors.js";
import {
  type Draining,
  type ReplicaStatus,
  subjectOfReplica,
  type WorkloadDriver,
  type WorkloadSession,
} from "../../types.js";
import { DEFAULT_HEALTH_TIMEOUT_MS } from "./health.js";
import { acquireLock } from "./lock.js";
import { LogKeeper } from "./logKeeper.js";
import { ReplicaProber } from "./prober.js";
import { type InstanceId, instanceIdOf, ownInstanceId, readInstance, requireProc } from "./proc.js";
import { findStarted, processFinder, stopProcesses } from "./processes.js";
import { bundlesInUse } from "./releases/inUse.js";
import { ReleaseStore } from "./releases/releaseStore.js";
import type { BundleSource } from "./releases/source.js";
import { checkRelease, startProcess } from "./replica.js";
import { WorkloadFolder } from "./workloadFolder.js";

const MAX_PORT = 65_535;
const DEFAULT_GRACE_MS = 2_000;
const DEFAULT_MAX_LOG_BYTES = 1024 * 1024;

export interface ProcessDriverParameters {
  /** The folder that all agents of the machine share. Created if it is missing. */
  readonly dir: string;
  /** Lower-case letters, digits and dashes; its replicas are `${workload}/0`, `${workload}/1`, ... */
  readonly workload: string;
  /** Replica n listens on 127.0.0.1 at `basePort + n`, which it is told as `PORT` in its environment. */
  readonly basePort: number;
  /** What relative paths in the command of a release are relative to; the working directory by default. */
  readonly root?: string;
  readonly healthTimeoutMs?: number;
  /** The pause between SIGTERM and SIGKILL, in milliseconds. */
  readonly graceMs?: number;
  /** A replica's log is rotated when it grows beyond this, also while no agent runs. */
  readonly maxLogBytes?: number;
  /** Called with what the machine lacks, and what is left out without it. */
  readonly onWarning?: (message: string) => void;
  /** Takes requests away from a replica before it is stopped; without it, replicas are stopped at once. */
  readonly draining?: Draining;
  /** Where the bundles of releases come from; without it only those that lie here are run. */
  readonly bundles?: BundleSource;
  /** The most bytes that unpacked bundles take in `dir`. */
  readonly maxReleaseBytes?: number;
  readonly clock?: Clock;
}

export interface ProcessDriver extends WorkloadDriver {
  /**
   * Starts `replicas` replicas on `release`, which counts as good. Replicas that run it already are left alone.
   *
   * @throws {FleetError} `busy`, and those of {@link WorkloadSession.check}.
   */
  create(options: { readonly release: Release; readonly replicas: number }): Promise<void>;
  /** Ends every process of the workload, recorded or not, and removes its state, journals, logs and bundles. */
  stopAll(): Promise<void>;
}

/**
 * Runs a workload as local processes. Its state is on disk, in `dir`, so that any agent of the machine can observe it,
 * change it, or carry on where another was killed. Replicas are detached processes and survive the agent's death.
 *
 * @throws {ConfigError} without /proc; {@link InvalidInputError} on an invalid name or port.
 */
export function createProcessDriver(options: ProcessDriverParameters): ProcessDriver {
  requireProc();
  const { workload, basePort, root = process.cwd(), graceMs = DEFAULT_GRACE_MS, clock = systemClock } = options;
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(workload)) {
    throw new InvalidInputError(`"${workload}" is not a workload's name: lower-case letters, digits and dashes.`);
  }
  if (!Number.isInteger(basePort) || basePort < 1 || basePort > MAX_PORT) {
    throw new InvalidInputError(`${basePort} is not a port.`);
  }
  mkdirSync(options.dir, { recursive: true });
  // Symbolic links resolved: processes are found by the folder's path in their environment.
  const dir = realpathSync(resolve(options.dir));
  const folder = new WorkloadFolder(dir, workload);
  const maxLogBytes = options.maxLogBytes ?? DEFAULT_MAX_LOG_BYTES;
  const prober = new ReplicaProber(folder, {
    healthTimeoutMs: options.healthTimeoutMs ?? DEFAULT_HEALTH_TIMEOUT_MS,
    maxLogBytes,
    clock,
  });
  const logKeeper = new LogKeeper(dir, maxLogBytes, (error) =>
    options.onWarning?.(`No shell can be started (${error.message}): logs are bounded only while an agent runs.`),
  );
  const releases = new ReleaseStore({
    ...{ dir, clock, source: options.bundles, maxBytes: options.maxReleaseBytes },
    inUse: () => bundlesInUse(folder),
  });
  /** Where a release runs, once all of it was fetched and checked. Only for the process that holds the lock. */
  async function readied(release: Release, signal: AbortSignal | undefined): Promise<string> {
    await checkRelease(release, root);
    const bundle = release.signed?.bundle;
    if (bundle === undefined) return root;
    if (!(await releases.has(bundle))) await releases.makeRoom(bundle);
    return await releases.ensure(bundle, signal);
  }
  const identityOf = (index: number) => ({ workloadDir: dir, replica: replicaName(workload, index) });

  async function stopReplica(index: number): Promise<void> {
    const known = await folder.readInstance(index);
    const find = processFinder(identityOf(index), known && (await readInstance(known.instance)));
    await stopProcesses(find, graceMs, clock);
  }

  async function drainAndStop(index: number): Promise<void> {
    const subject = subjectOfReplica(workload, index);
    await options.draining?.drain(subject);
    try {
      await stopReplica(index);
    } catch (error) {
      options.draining?.undrain(subject);
      throw error;
    }
  }

  async function replace(
    index: number,
    release: Release,
    step: string,
    onStep: (step: string) => void,
    signal?: AbortSignal,
  ): Promise<InstanceId> {
    const known = await folder.readInstance(index);
    if (known?.step === step) return known.instance;
    const orphan = await findStarted(identityOf(index), step);
    let instance = orphan && instanceIdOf(orphan);
    if (instance === undefined) {
      const cwd = await readied(release, signal);
      const port = portOf(index);
      await folder.writeSpec(index, { release, port, step });
      await drainAndStop(index);
      onStep(`stopped ${index}`);
      logKeeper.start();
      instance = await startProcess({
        ...identityOf(index),
        release,
        step,
        port,
        root: cwd,
        dir: folder.replicaDir(index),
      });
      onStep(`spawned ${index}`);
    }
    await folder.writeInstance(index, { instance, release, step, startedAt: clock.now() });
    return instance;
  }

  function portOf(index: number): number {
    const port = basePort + index;
    if (port > MAX_PORT)
      throw new InvalidInputError(`Replica ${replicaName(workload, index)} would need port ${port}.`);
    return port;
  }

  async function exclusively<T>(
    work: (session: WorkloadSession) => Promise<T>,
    onStep: (step: string) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<T> {
    const lock = await acquireLock(dir);
    try {
      const owner = await ownInstanceId();
      return await work({
        state: () => folder.requireState(),
        writeState: (state) => folder.writeState(state),
        openJournal: async <Entry>(directiveId: string, parse: (value: unknown) => Entry) => {
          await folder.pruneJournals();
          return await Journal.open(folder.journalPath(directiveId), parse).catch((cause: unknown) => {
            if (!(cause instanceof JournalError)) throw cause;
            throw new FleetError("damaged", `${cause.shortMessage} This machine cannot carry on with the rollout.`, {
              cause,
            });
          });
        },
        announce: (indices) => folder.writeChanging(owner, indices),
        check: async (release) => {
          await readied(release, signal);
        },
        replace: (index, release, step) => replace(index, release, step, onStep, signal),
        remove: async (index) => {
          await drainAndStop(index);
          onStep(`stopped ${index}`);
          await folder.removeReplica(index);
        },
        probe: (index) => prober.probe(index),
      });
    } finally {
      try {
        await folder.removeChanging();
      } finally {
        await lock.release();
      }
    }
  }

  return {
    workload,
    exclusively,
    async list(): Promise<ReplicaStatus[]> {
      const statuses = await prober.list();
      if (statuses.some(({ alive }) => alive)) logKeeper.start();
      return statuses;
    },
    async prepare(release, signal) {
      await checkRelease(release, root);
      const bundle = release.signed?.bundle;
      if (bundle === undefined) return false;
      // Nothing is removed while another process may start a replica of it.
      if (!(await releases.has(bundle))) await exclusively(() => releases.makeRoom(bundle));
      await releases.ensure(bundle, signal);
      return true;
    },
    async releases() {
      const state = await folder.readState();
      return state && { running: state.current.sha256, good: state.good };
    },
    create: ({ release, replicas }) =>
      exclusively(async () => {
        portOf(replicas);
        await readied(release, undefined);
        // Journals of an earlier workload in this folder do not concern this one.
        if (!(await folder.readState())) await folder.clear();
        await folder.writeState({ workload, basePort, replicas, current: release, good: [release], rollout: null });
        const creation = `create/${randomUUID()}`;
        for (let index = 0; index < replicas; index++) {
          const status = await prober.probe(index);
          if (status.alive && status.release.sha256 === release.sha256) continue;
          await replace(index, release, `${creation}/${index}`, () => undefined);
        }
      }),
    stopAll: () =>
      exclusively(async () => {
        for (const index of await folder.indices()) await stopReplica(index);
        await stopProcesses(processFinder({ workloadDir: dir }), graceMs, clock);
        await folder.clear();
        logKeeper.stop();
        await releases.clear();
      }),
  };
}
