import type { Placement, PlacementView } from "../../policy/placement/index.js";
import type { PlannedStages, RolloutFacts } from "../../policy/rollout/index.js";
import type { Hex, Release, WorkloadSpec } from "../../records/index.js";
import type { IssuedDirective } from "../directives/directive.js";

/** Says where replicas run, and which rollouts are open, from what stands on chain alone. */
export interface PlacementReader {
  /**
   * The fleet at the end of a block, which must be confirmed. Reads only what is new since the last call.
   *
   * @throws ChainError.
   */
  at(blockNumber: number, signal?: AbortSignal): Promise<PlacedFleet>;
}

/** All workloads with a specification, and the hosts that they are placed on, at one block. Nodes that ask for one block have the same. */
export interface PlacedFleet {
  readonly blockNumber: number;
  /** In seconds since the Unix epoch. */
  readonly blockTime: number;
  readonly view: PlacementView;
  readonly placement: Placement;
  /**
   * Why other nodes may have other seats: a payload that this node cannot fetch. Who sees it neither starts, moves nor stops anything.
   * Undefined if nothing is missing.
   */
  readonly incomplete?: string | undefined;
  /** The newest orders on workloads that make no sense, the oldest first: they change nothing. */
  readonly invalid: readonly InvalidOrder[];
  /** By name. */
  readonly workloads: ReadonlyMap<string, PlacedWorkloadState>;
}

/** An order that nobody can carry out: its payload breaks its schema, or is about another subject. */
export interface InvalidOrder {
  readonly directive: Hex;
  readonly blockNumber: number;
  readonly reason: string;
}

/** A directive as far as it is the same for all who ask for one block: what is reported on it changes with every block. */
export type PlacedDirective = Omit<IssuedDirective, "committeeSize" | "departed" | "needed" | "outcome" | "status">;

export interface PlacedWorkloadState {
  readonly name: string;
  /** Of the newest Deploy that has one, with the replicas of the newest Scale after it. */
  readonly spec: WorkloadSpec;
  /** The last Deploy or Rollback that was enacted `done`; undefined before the first. */
  readonly settled: SettledRelease | undefined;
  /** Other releases that were enacted `done` before it, the newest first; without those that were rolled back. */
  readonly good: readonly Release[];
  /** The newest Deploy or Rollback, unless it was enacted `done`. */
  readonly rollout: OpenRollout | undefined;
}

export interface SettledRelease {
  readonly directive: Hex;
  readonly release: Release;
  /** Block time of the enactment: hosts that have not come so far take their turns by it and by the plan. */
  readonly at: number;
  readonly plan: PlannedStages;
}

/** A rollout that was not enacted `done`; it may have failed, or lapsed: see {@link RolloutFacts.enacted} and the deadline. */
export interface OpenRollout {
  readonly directive: PlacedDirective;
  /** The release to take. */
  readonly release: Release;
  /** The release to turn back to; undefined if none was ever enacted `done`. The plan then has {@link NO_RELEASE}. */
  readonly from: Release | undefined;
  /** The block of the issue. */
  readonly issue: { readonly number: number; readonly time: number; readonly hash: Hex };
  readonly plan: PlannedStages;
  /** As of the block that was asked for. */
  readonly facts: RolloutFacts;
}

/** The `from` of a plan that leaves no release. */
export const NO_RELEASE: Hex = `0x${"0".repeat(64)}`;
