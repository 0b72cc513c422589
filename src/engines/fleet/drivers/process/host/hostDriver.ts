import { mkdirSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import pMap from "p-map";
import PQueue from "p-queue";
import { InvalidInputError } from "../../../../../errors.js";
import { type Release, replicaSubject } from "../../../../../records/index.js";
import { type Clock, systemClock } from "../../../../../utils/clock.js";
import { FleetError } from "../../../errors.js";
import type { HostDriver, HostedInstance, StartOrder } from "../../../host/types.js";
import type { Draining } from "../../../types.js";
import { acquireLock } from "../lock.js";
import { LogKeeper } from "../logKeeper.js";
import { instanceIdOf, readInstance, requireProc } from "../proc.js";
import { findStarted, processFinder, stopProcesses } from "../processes.js";
import { ReleaseStore } from "../releases/releaseStore.js";
import type { BundleSource } from "../releases/source.js";
import { checkRelease, startProcess } from "../replica.js";
import { HOST_FILE, HostFolder } from "./hostFolder.js";
import { InstanceProber } from "./instanceProber.js";
import { freePort, type PortRange } from "./portRange.js";

const MAX_PORT = 65_535;
const MAX_CONCURRENT_PROBES = 32;
const DEFAULT_GRACE_MS = 2_000;
const DEFAULT_MAX_LOG_BYTES = 1024 * 1024;

export interface ProcessHostParameters {
  /** The host's own folder: one agent has it at a time. Created if it is missing. */
  readonly dir: string;
  /** Where replicas listen, each on a port of its own of 127.0.0.1, which it is told as `PORT`. */
  readonly ports: PortRange;
  /** What relative paths in the command of a release without a bundle are relative to; the working directory by default. */
  readonly root?: string | undefined;
  /** The pause between SIGTERM and SIGKILL, in milliseconds. */
  readonly graceMs?: number | undefined;
  /** An instance's log is rotated when it grows beyond this, also while no agent runs. */
  readonly maxLogBytes?: number | undefined;
  /** Called with what the machine lacks, and what is left out without it. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Takes requests away from a replica before its serving instance is stopped; without it, it is stopped at once. */
  readonly draining?: Draining | undefined;
  /** Where the bundles of releases come from; without it only those that lie here are run. */
  readonly bundles?: BundleSource | undefined;
  /** The most bytes that unpacked bundles take in `dir`. */
  readonly maxReleaseBytes?: number | undefined;
  /** The hashes of bundles that must be kept besides those of the instances, as for turning back. */
  readonly keep?: (() => Promise<ReadonlySet<string>>) | undefined;
  readonly clock?: Clock | undefined;
}

/** A host whose replicas are local processes. */
export interface ProcessHost extends HostDriver {
  /** Ends every process of the host, recorded or not, and removes its state, logs and bundles. */
  stopAll(): Promise<void>;
}

/**
 * Opens the host's folder, and keeps it from other processes until it is closed. What runs there is found again.
 *
 * @throws {ConfigError} without /proc; {@link InvalidInputError} on invalid ports; {FleetError} `busy`; {DiskError}.
 */
export async function openProcessHost(parameters: ProcessHostParameters): Promise<ProcessHost> {
  requireProc();
  const { ports } = parameters;
  const isRange = [ports.from, ports.count].every((each) => Number.isInteger(each) && each > 0);
  if (!isRange || ports.from + ports.count - 1 > MAX_PORT) {
    throw new InvalidInputError(`${ports.count} ports from ${ports.from} on are no range of ports.`);
  }
  mkdirSync(parameters.dir, { recursive: true, mode: 0o700 });
  // Symbolic links resolved: processes are found by the folder's path in their environment.
  const dir = realpathSync(resolve(parameters.dir));
  const lock = await acquireLock(dir);
  try {
    const folder = new HostFolder(dir);
    await folder.create();
    return new Host(folder, parameters, () => lock.release());
  } catch (error) {
    await lock.release();
    throw error;
  }
}

class Host implements ProcessHost {
  readonly #folder: HostFolder;
  readonly #parameters: ProcessHostParameters;
  readonly #release: () => Promise<void>;
  readonly #clock: Clock;
  readonly #prober: InstanceProber;
  readonly #logKeeper: LogKeeper;
  readonly #releases: ReleaseStore;
  /** One change of each replica at a time. */
  readonly #queues = new Map<string, PQueue>();
  /** One choice of a port, and one removal of bundles, at a time. */
  readonly #allotting = new PQueue({ concurrency: 1 });

  constructor(folder: HostFolder, parameters: ProcessHostParameters, release: () => Promise<void>) {
    const { bundles: source, clock = systemClock, maxLogBytes = DEFAULT_MAX_LOG_BYTES, maxReleaseBytes } = parameters;
    this.#folder = folder;
    this.#parameters = parameters;
    this.#release = release;
    this.#clock = clock;
    this.#prober = new InstanceProber(folder, { maxLogBytes, clock });
    const onFailure = (error: Error) =>
      parameters.onWarning?.(`No shell can be started (${error.message}): logs are bounded only while an agent runs.`);
    this.#logKeeper = new LogKeeper(folder.dir, maxLogBytes, onFailure, HOST_FILE);
    this.#releases = new ReleaseStore({
      ...{ dir: folder.dir, clock, source, maxBytes: maxReleaseBytes },
      inUse: async () => new Set([...(await this.#bundles()), ...((await parameters.keep?.()) ?? [])]),
    });
  }

  async prepare(release: Release, signal?: AbortSignal): Promise<boolean> {
    await this.#readied(release, signal);
    return release.signed?.bundle !== undefined;
  }

  start(order: StartOrder): Promise<HostedInstance> {
    return this.#changing(order.replica, async () => {
      const { release, replica, signal, step } = order;
      if ((await this.#folder.instance(replica, step)) !== undefined) return this.#shown(replica, step);
      const identity = this.#folder.identityOf(replica, step);
      // Started by a process that ended before it wrote that down.
      const orphan = await findStarted(identity, step);
      let instance = orphan && instanceIdOf(orphan);
      if (instance === undefined) {
        const root = await this.#readied(release, signal);
        const { port } = await this.#allot(order);
        this.#logKeeper.start();
        const dir = this.#folder.instanceDir(replica, step);
        instance = await startProcess({ ...identity, replica, release, step, port, root, dir });
      }
      await this.#folder.writeInstance(replica, step, { instance, startedAt: this.#clock.now() });
      return this.#shown(replica, step);
    });
  }

  serve(replica: string, step: string): Promise<void> {
    return this.#changing(replica, async () => {
      if ((await this.#folder.spec(replica, step)) === undefined) {
        throw new FleetError("unknown-replica", `Step ${step} has started no instance of ${replica} here.`);
      }
      if ((await this.#folder.serving(replica)) !== step) await this.#folder.writeServing(replica, step);
    });
  }

  stop(replica: string, step?: string): Promise<void> {
    return this.#changing(replica, async () => {
      const steps = step === undefined ? (await this.#folder.specs(replica)).map((spec) => spec.step) : [step];
      for (const each of steps) await this.#stopInstance(replica, each);
    });
  }

  async list(): Promise<readonly HostedInstance[]> {
    const servings = new Map<string, string | undefined>();
    const specs = await this.#specs();
    for (const { replica } of specs) servings.set(replica, await this.#folder.serving(replica));
    const probe = (spec: (typeof specs)[number]) => this.#prober.probe(spec, spec.step === servings.get(spec.replica));
    const found = await pMap(specs, probe, { concurrency: MAX_CONCURRENT_PROBES });
    if (found.some(({ alive }) => alive)) this.#logKeeper.start();
    return found;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.onIdle()));
    await this.#release();
  }

  async stopAll(): Promise<void> {
    for (const replica of await this.#folder.replicas()) await this.stop(replica);
    await this.#folder.clear();
    this.#logKeeper.stop();
    await this.#releases.clear();
    await this.close();
  }

  async #shown(replica: string, step: string): Promise<HostedInstance> {
    const spec = await this.#folder.spec(replica, step);
    if (spec === undefined) throw new FleetError("damaged", `What step ${step} ordered of ${replica} cannot be read.`);
    return this.#prober.probe(spec, (await this.#folder.serving(replica)) === step);
  }

  async #stopInstance(replica: string, step: string): Promise<void> {
    const { draining, graceMs = DEFAULT_GRACE_MS } = this.#parameters;
    const subject = replicaSubject(replica);
    const isServing = (await this.#folder.serving(replica)) === step;
    if (isServing) await draining?.drain(subject);
    try {
      const known = await this.#folder.instance(replica, step);
      const recorded = known && (await readInstance(known.instance));
      await stopProcesses(processFinder(this.#folder.identityOf(replica, step), recorded), graceMs, this.#clock);
    } catch (error) {
      if (isServing) draining?.undrain(subject);
      throw error;
    }
    await this.#folder.remove(replica, step);
  }

  /** Where a release runs, once all of it was fetched and checked. */
  async #readied(release: Release, signal: AbortSignal | undefined): Promise<string> {
    const { root = process.cwd() } = this.#parameters;
    await checkRelease(release, root);
    const bundle = release.signed?.bundle;
    if (bundle === undefined) return root;
    if (!(await this.#releases.has(bundle))) await this.#allotting.add(() => this.#releases.makeRoom(bundle));
    return await this.#releases.ensure(bundle, signal);
  }

  /** Writes down what will run, with a port that no other instance has. */
  async #allot({ probe, release, replica, step, workload }: StartOrder) {
    return this.#allotting.add(async () => {
      const others = (await this.#specs()).filter((spec) => spec.replica !== replica || spec.step !== step);
      // The port of a start that was cut short may have been taken by another program since.
      const port = await freePort(this.#parameters.ports, new Set(others.map((spec) => spec.port)));
      const spec = { replica, workload, release, step, probe, port };
      await this.#folder.writeSpec(spec);
      return spec;
    });
  }

  async #specs() {
    const replicas = await this.#folder.replicas();
    return (await Promise.all(replicas.map((replica) => this.#folder.specs(replica)))).flat();
  }

  async #bundles(): Promise<readonly string[]> {
    return (await this.#specs()).flatMap(({ release }) => release.signed?.bundle?.sha256 ?? []);
  }

  async #changing<T>(replica: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(replica) ?? new PQueue({ concurrency: 1 });
    this.#queues.set(replica, queue);
    try {
      return await queue.add(work);
    } finally {
      if (queue.size === 0 && queue.pending === 0) this.#queues.delete(replica);
    }
  }
}
