import type { HostDescriptor } from "../../records/index.js";

/** The name of a host: its operator's account. An index would move when seats change. */
export type HostName = string;

/** A host as its newest descriptor on chain has it, at one block. */
export interface HostEntry extends Pick<HostDescriptor, "draining" | "labels" | "slots"> {
  /** `slots` are what it claims, at most what the vote allows. */
  readonly name: HostName;
  /** False while its seat is suspended. */
  readonly present: boolean;
}

/** What the newest directive on a workload orders, as far as it decides where replicas run. */
export interface PlacedWorkload {
  readonly name: string;
  /** Position on chain of the first directive on the workload: block number, then the place in the block. */
  readonly since: readonly [block: number, place: number];
  /** How many; or one on each host that matches, named by the host. */
  readonly replicas: number | "all";
  /** Labels that a host must have. */
  readonly selector: Readonly<Record<string, string>>;
  /** The label over whose values replicas are spread evenly, such as `zone`; undefined if any host will do. */
  readonly spread?: string | undefined;
  /** Whether a replica must never run twice, not even while the nodes' views differ: see {@link mayRun}. */
  readonly exclusive: boolean;
}

/** What stands on chain at one confirmed block. */
export interface PlacementView {
  /** The block's time, in seconds since the Unix epoch. */
  readonly blockTime: number;
  readonly workloads: readonly PlacedWorkload[];
  readonly hosts: readonly HostEntry[];
}

/** Where a replica runs. Times are block times. */
export interface ReplicaSeat {
  readonly replica: string;
  readonly workload: string;
  readonly host: HostName;
  /** The block in which it got this seat. */
  readonly since: number;
  /** The block in which another host lost the same replica last; undefined if none ever had it. */
  readonly leftAt?: number | undefined;
}

export interface UnplacedReplica {
  readonly replica: string;
  readonly workload: string;
  /** One sentence for people. */
  readonly reason: string;
}

/** The seats at one block. They follow from the chain's history up to that block, and from nothing else. */
export interface Placement {
  readonly seats: ReadonlyMap<string, ReplicaSeat>;
  readonly unplaced: readonly UnplacedReplica[];
  /** When replicas that have no seat now lost theirs: another host that gets one later must wait for the first to stop. */
  readonly left: ReadonlyMap<string, number>;
}
