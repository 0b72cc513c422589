import type { HealthProbe, Hex, Release } from "../../../records/index.js";
import type { InstanceId } from "../drivers/process/proc.js";

/** One instance of a replica to start. */
export interface StartOrder {
  /** Such as `web/3`, or `web/0x...` for the one of a host. */
  readonly replica: string;
  readonly workload: string;
  readonly release: Release;
  /** Names the start: one instance is started for each, however often it is asked for. */
  readonly step: string;
  readonly probe: HealthProbe;
  /** Ends the fetching of the release. */
  readonly signal?: AbortSignal | undefined;
}

/** What one probe of an instance shows. */
export interface HostedInstance {
  readonly replica: string;
  readonly workload: string;
  readonly step: string;
  /** The sha256 of the release that it runs. */
  readonly release: Hex;
  readonly probe: HealthProbe;
  /** The last known process, dead or alive; null if there never was one. */
  readonly instance: InstanceId | null;
  /** Whether requests to the replica go to it. */
  readonly serving: boolean;
  readonly alive: boolean;
  /** Alive, and it answered its probe with 200 in time, itself: on a port that its own processes hold. */
  readonly healthy: boolean;
  /** Why it is not healthy; undefined if it is. */
  readonly reason?: string | undefined;
  /** Where it listens; undefined if that is not known. */
  readonly address?: { readonly host: string; readonly port: number } | undefined;
  /** Milliseconds until it answered; null if it did not. */
  readonly latencyMs: number | null;
}

/**
 * Runs the replicas that a host has seats for, of any workload: one instance of each, or two of different releases side by side
 * while a rollout goes on. Instances outlive the agent. Every call may be repeated, also by another process after this one was
 * killed at any moment, and ends the same.
 */
export interface HostDriver {
  /**
   * Fetches the bundle of a release ahead of its start, and checks every file. Resolves once it lies here complete, with whether the
   * release has a bundle.
   *
   * @throws {FleetError} `hash-mismatch`, `not-startable`, `unsupported`, `unavailable`, `no-room` if it cannot be run as voted.
   */
  prepare(release: Release, signal?: AbortSignal): Promise<boolean>;
  /**
   * Starts an instance beside any that runs. Called again with the same step it leaves the one that it started alone, dead or alive.
   *
   * @throws {FleetError} as {@link prepare}; `no-room` too if no port is free.
   */
  start(order: StartOrder): Promise<HostedInstance>;
  /** Requests to the replica go to the instance of this step from now on. @throws {FleetError} `unknown-replica`. */
  serve(replica: string, step: string): Promise<void>;
  /**
   * Takes requests away from the instance of a step, ends all its processes and forgets it; of all steps by default.
   *
   * @throws {FleetError} `not-stoppable` if a process survives SIGKILL.
   */
  stop(replica: string, step?: string): Promise<void>;
  /** Every instance that was started and not stopped. */
  list(): Promise<readonly HostedInstance[]>;
  /** Lets another process take over. Instances run on. */
  close(): Promise<void>;
}
