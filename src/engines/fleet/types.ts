import { type OutcomeDetail, type Release, replicaName, replicaSubject } from "../../records/index.js";
import type { Journal } from "../../utils/journal.js";
import type { InstanceId } from "./drivers/process/proc.js";

/** What one probe of a replica shows. */
export interface ReplicaStatus {
  /** Such as `replica/web/3`. */
  readonly subject: string;
  readonly workload: string;
  /** The release that it runs, or ran last, or should run if it never ran. */
  readonly release: {
    readonly name: string;
    readonly sha256: Release["sha256"];
    /** The directive that brought the workload to it; unset if none did, or if it is not the current one. */
    readonly broughtBy?: string | undefined;
  };
  /** The last known instance, dead or alive; null if there never was one. */
  readonly instance: InstanceId | null;
  readonly alive: boolean;
  /** Alive, and it answered `GET /health` with 200 before the deadline, itself: on a port that its own processes hold. */
  readonly healthy: boolean;
  /** Why it is not healthy; undefined if it is. */
  readonly reason?: string | undefined;
  /** Where it listens; undefined if that is not known. */
  readonly address?: { readonly host: string; readonly port: number } | undefined;
  /** Milliseconds until the health check answered; null if it did not. */
  readonly latencyMs: number | null;
  /** Whether an executor is changing it now, so that what is observed does not count yet. */
  readonly changing: boolean;
  /** Cores in use since the last probe, or since its start if this is the first: 0.5 is half of one core. */
  readonly cpu: number;
  /** Resident memory, in bytes. */
  readonly memoryBytes: number;
}

/** The desired state of a workload. */
export interface WorkloadState {
  readonly workload: string;
  readonly basePort: number;
  readonly replicas: number;
  /** The release that the replicas run, or that a rollout is taking them to. */
  readonly current: Release;
  /** Releases that all replicas ran in good health, each once, the latest last: what a Rollback may go back to. */
  readonly good: readonly Release[];
  /** The directive whose rollout was begun and not ended; null if no rollout is open. */
  readonly rollout: string | null;
  /** The directive that brought the current release; unset if the workload was created with it. */
  readonly broughtBy?: string | undefined;
}

/** What a fleet has recorded of a workload's releases. */
export interface FleetReleases {
  readonly running: Release["sha256"];
  /** As in {@link WorkloadState}. */
  readonly good: readonly Release[];
}

/** Exclusive access to a workload, for as long as the work it was opened for takes. */
export interface WorkloadSession {
  /** @throws {FleetError} `unknown-workload` if none was started. */
  state(): Promise<WorkloadState>;
  writeState(state: WorkloadState): Promise<void>;
  /**
   * The journal of a directive's steps, and the steps that this or another process wrote to it already.
   *
   * @param parse Throws if a value is no step.
   * @throws {FleetError} `damaged`.
   */
  openJournal<Entry>(
    directiveId: string,
    parse: (value: unknown) => Entry,
  ): Promise<{ journal: Journal<Entry>; entries: Entry[] }>;
  /** Tells the agents of the machine which replicas are being changed, so that they report no incident about them. */
  announce(indices: readonly number[]): Promise<void>;
  /**
   * Fetches what is missing of the release, and checks the rest.
   *
   * @throws {FleetError} `hash-mismatch`, `not-startable`, `unsupported`, `unavailable`, `no-room` if it cannot be run as voted.
   */
  check(release: Release): Promise<void>;
  /**
   * Stops the replica's instance and starts one of `release`, once for each `step`: called again with the same step, by
   * this or another process, it finds the instance that it started and leaves it alone, dead or alive.
   */
  replace(index: number, release: Release, step: string): Promise<InstanceId>;
  /** Stops a replica and removes its folder. */
  remove(index: number): Promise<void>;
  probe(index: number): Promise<ReplicaStatus>;
}

/** Where one workload runs: local processes, Kubernetes or ssh. */
export interface WorkloadDriver {
  readonly workload: string;
  /** All replicas, those that should run and those that still do. */
  list(): Promise<ReplicaStatus[]>;
  /** The release that runs, and those that a Rollback may go back to; undefined before the workload was started. */
  releases(): Promise<FleetReleases | undefined>;
  /**
   * Fetches the bundle of a release ahead of its rollout, and checks every file. Resolves once it lies here complete, with whether
   * the release has a bundle.
   *
   * @throws {FleetError} as {@link WorkloadSession.check}, and `busy`.
   */
  prepare(release: Release, signal?: AbortSignal): Promise<boolean>;
  /**
   * Does `work` while no other process may change the workload. `onStep` is told what the driver does; `signal` ends the
   * fetching of a release.
   *
   * @throws {FleetError} `busy` if another process is changing it.
   */
  exclusively<T>(
    work: (session: WorkloadSession) => Promise<T>,
    onStep?: (step: string) => void,
    signal?: AbortSignal,
  ): Promise<T>;
}

/** Takes requests away from replicas before they are stopped. */
export interface Draining {
  /** Resolves when the replica gets no new requests, and those that it has have ended or a grace has passed. */
  drain(subject: string): Promise<void>;
  /** The replica could not be stopped. */
  undrain(subject: string): void;
}

/** How a rollout ended. */
export interface RolloutResult {
  readonly result: "done" | "failed";
  readonly detail: readonly OutcomeDetail[];
  /** Milliseconds of work on it, by all processes that carried on with it. */
  readonly durationMs: number;
}

/** The subject of replica `index`, such as `replica/web/3`. */
export function subjectOfReplica(workload: string, index: number): string {
  return replicaSubject(replicaName(workload, index));
}
