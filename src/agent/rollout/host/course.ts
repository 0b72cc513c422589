import type { PlacedFleet, PlacedWorkloadState } from "../../../client/index.js";
import type { RolloutFacts, StagePlan } from "../../../policy/rollout/index.js";
import type { Hex, Release } from "../../../records/index.js";

/** A release, and the directive that brought it: it names the instances that run it. */
export interface KeyedRelease {
  readonly directive: Hex;
  readonly release: Release;
}

/** What a workload goes through now: its open rollout, or the end of the last one for hosts that are late. */
export interface Course {
  readonly plan: StagePlan;
  readonly facts: RolloutFacts;
  readonly to: KeyedRelease;
  /** Undefined if no release was ever enacted `done`. */
  readonly from: KeyedRelease | undefined;
  /** Whether it is enacted `done`: nothing is open. */
  readonly isSettled: boolean;
}

/** Undefined if nothing of the workload can run: its first rollout cannot be planned. */
export function courseOf({ rollout, settled }: PlacedWorkloadState, { blockTime }: PlacedFleet): Course | undefined {
  const open = rollout?.plan.plan;
  if (rollout !== undefined && open !== undefined) {
    const { directive, facts, from, release } = rollout;
    const isKnown = from !== undefined && settled !== undefined;
    return {
      plan: open,
      facts,
      to: { directive: directive.id, release },
      from: isKnown ? { directive: settled.directive, release: from } : undefined,
      isSettled: false,
    };
  }
  const plan = settled?.plan.plan;
  if (settled === undefined || plan === undefined) return undefined;
  const enacted = { result: "done", at: settled.at } as const;
  const facts: RolloutFacts = { now: blockTime, excused: new Set(), enacted, control: null };
  return { plan, facts, to: settled, from: undefined, isSettled: true };
}

/** The waves of the plan that are about a replica of this host, in their order. */
export function ownWaves({ waves }: StagePlan, host: string, replica: string): readonly number[] {
  return waves.flatMap((wave, number) =>
    wave.replicas.some((each) => each.replica === replica && each.host === host) ? [number] : [],
  );
}

/** The replicas that the plan does not name, as placed now: they have their turns after the others. */
export function othersOf({ waves }: StagePlan, workload: string, { placement }: PlacedFleet): readonly string[] {
  const planned = new Set(waves.flatMap(({ replicas }) => replicas.map(({ replica }) => replica)));
  const placed = [...placement.seats.values()].filter((seat) => seat.workload === workload);
  return placed.flatMap(({ replica }) => (planned.has(replica) ? [] : replica)).sort();
}
