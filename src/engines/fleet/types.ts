import type { OutcomeDetail, Release } from "../../records/index.js";
import type { Journal } from "../../utils/journal.js";
import type { InstanceId } from "./proc.js";

/** What one look at a workload shows. */
export interface ReplicaStatus {
  /** Such as `workload/web-3`. */
  readonly subject: string;
  readonly fleet: string;
  /** The release that it runs, or ran last, or is to run where it never did. */
  readonly release: { readonly name: string; readonly sha256: Release["sha256"] };
  /** The last known instance, dead or alive; null where there never was one. */
  readonly instance: InstanceId | null;
  readonly alive: boolean;
  /** Alive, and `GET /health` answered 200 before its deadline. */
  readonly healthy: boolean;
  /** Milliseconds until the health check answered; null where it did not. */
  readonly latencyMs: number | null;
  /** A living executor is changing it right now, so what is seen means nothing yet. */
  readonly changing: boolean;
  /** Cores in use: 0.5 is half of one core, since the last look or, the first time, since its start. */
  readonly cpu: number;
  /** Resident memory. */
  readonly memoryBytes: number;
}

/** What a fleet is to be. */
export interface FleetState {
  readonly name: string;
  readonly basePort: number;
  readonly replicas: number;
  /** The release that the fleet runs, or is being taken to. */
  readonly current: Release;
  /** Releases that the whole fleet ran in health, the latest last, each once. The way back for a Rollback. */
  readonly good: readonly Release[];
  /** The directive whose rollout was begun and not ended; null where there is none. */
  readonly rollout: string | null;
}

/** A fleet whose workloads this process may change, until the work it was opened for ends. */
export interface FleetSession {
  /** @throws {FleetError} `unknown-fleet` where none was started. */
  state(): Promise<FleetState>;
  writeState(state: FleetState): Promise<void>;
  /** The steps already taken for a directive, by whichever process, and where to write the next. */
  openJournal<Entry>(directiveId: string): Promise<{ journal: Journal<Entry>; entries: Entry[] }>;
  /** Tells all nodes which workloads are being changed, so that they do not take what they see for a failure. */
  announce(indices: readonly number[]): Promise<void>;
  /** @throws {FleetError} `hash-mismatch` or `not-startable` where the release cannot be run as voted. */
  check(release: Release): Promise<void>;
  /**
   * Stops what the workload runs and starts `release`, once for each `step`: called again with the same step, by this or
   * another process, it finds what it started and leaves it alone, dead or alive.
   */
  replace(index: number, release: Release, step: string): Promise<InstanceId>;
  /** Stops a workload and forgets it. */
  remove(index: number): Promise<void>;
  look(index: number): Promise<ReplicaStatus>;
}

/** What a rollout runs on. One kind of fleet, one driver. */
export interface FleetDriver {
  readonly name: string;
  /** All workloads, those that should run and those that still do. */
  list(): Promise<ReplicaStatus[]>;
  /**
   * Does `work` while no other process may change the fleet. `onStep` hears what the driver does, for progress and tests.
   *
   * @throws {FleetError} `busy` while another process does.
   */
  exclusively<T>(work: (session: FleetSession) => Promise<T>, onStep?: (step: string) => void): Promise<T>;
}

/** How an order ended. */
export interface RolloutResult {
  readonly result: "done" | "failed";
  readonly detail: readonly OutcomeDetail[];
  /** From the first step, over crashes, to the end. */
  readonly durationMs: number;
}

/** `workload/web-3`, for web and 3. */
export function subjectOf(fleet: string, index: number): string {
  return `workload/${fleet}-${index}`;
}
