import type { Hex, RolloutTiming, Strategy, WorkloadSpec } from "../../../records/index.js";
import type { HostName, ReplicaSeat } from "../../placement/index.js";
import type { PlannedReplica, StagePlan, Wave } from "../types.js";
import { draw } from "./draw.js";
import { defaultFailureLimit, maxUnavailableOf, strategyFault, waveShapes } from "./strategy.js";
import { turnBackSeconds, waveSeconds } from "./window.js";

/** Hosts that probe one replica; all others, if there are fewer. */
export const WITNESSES = 7;

export interface PlanStagesParameters {
  readonly directive: Hex;
  readonly workload: string;
  readonly from: Hex;
  readonly to: Hex;
  /** Of the block that issued the directive. */
  readonly issue: { readonly hash: Hex; readonly time: number };
  readonly deadline: number;
  /** The workload's seats, and the hosts that were present, at the issue's block. */
  readonly seats: readonly ReplicaSeat[];
  readonly present: readonly HostName[];
  readonly strategy: Strategy;
  readonly timing: RolloutTiming;
  /** {@link defaultFailureLimit} if the directive does not say. */
  readonly failureLimit?: number | undefined;
  readonly irreversible: boolean;
  /** Whether a replica must never run twice: then none starts beside the old one. */
  readonly exclusive: boolean;
}

export type PlannedStages =
  | { readonly plan: StagePlan; readonly fault?: undefined }
  /** Why the directive cannot be carried out: agents vote against it, and no host begins it. */
  | { readonly plan?: undefined; readonly fault: string };

/**
 * The plan of a rollout: which replicas in which wave, and who watches them. Every node that has the directive and its issue's
 * block computes the same. The issue's hash draws both, so that no proposer chooses who goes first or who looks.
 */
export function planStages(parameters: PlanStagesParameters): PlannedStages {
  const { directive, exclusive, issue, present, seats, strategy, timing, deadline } = parameters;
  const failureLimit = parameters.failureLimit ?? defaultFailureLimit(strategy, seats.length);
  const fault = strategyFault(strategy, seats.length, failureLimit);
  if (fault !== undefined) return { fault };
  if (exclusive && (strategy.kind === "blue-green" || strategy.maxSurge > 0))
    return { fault: "an exclusive replica must not run beside another of itself" };

  const hosts = [...present].sort();
  const order = inOrder(issue.hash, seats);
  const witnessesOf = (seat: ReplicaSeat) =>
    draw(
      issue.hash,
      `witnesses of ${seat.replica}`,
      hosts.filter((host) => host !== seat.host),
      WITNESSES,
    );
  const shapes = waveShapes(strategy, order.length, failureLimit);
  const seconds = secondsOf(strategy, timing, order.length, failureLimit);
  const { back } = seconds;
  let rest = seconds.forward;
  if (issue.time + rest + back > deadline)
    return {
      fault: `the window of ${deadline - issue.time} s is shorter than the plan of ${rest} s and the ${back} s to turn back`,
    };

  let next = 0;
  const planned = order.map((seat) => ({ replica: seat.replica, host: seat.host, witnesses: witnessesOf(seat) }));
  const waves = shapes.map(({ action, size, soakSeconds, stage, surge }): Wave => {
    if (action === "switch") next = 0;
    const replicas = planned.slice(next, next + size).map((each, i): PlannedReplica => ({ ...each, surge: i < surge }));
    next += size;
    const beginBy = deadline - back - rest;
    rest -= waveSeconds({ soakSeconds }, timing);
    return { stage, action, replicas, soakSeconds, beginBy };
  });
  const { from, irreversible, to, workload } = parameters;
  return {
    plan: {
      schema: "witan/stage-plan/1",
      directive,
      workload,
      from,
      to,
      issuedAt: issue.time,
      deadline,
      timing,
      maxUnavailable: maxUnavailableOf(strategy),
      failureLimit,
      irreversible,
      waves,
    },
  };
}

/**
 * How long a rollout may take at most, if all goes well, and then all turns back. Seconds; what its directive's window must have.
 *
 * @param failureLimit {@link defaultFailureLimit} if null.
 */
export function rolloutSeconds(
  { failureLimit, strategy, timing }: Pick<WorkloadSpec, "failureLimit" | "strategy" | "timing">,
  replicas: number,
): number {
  const { back, forward } = secondsOf(
    strategy,
    timing,
    replicas,
    failureLimit ?? defaultFailureLimit(strategy, replicas),
  );
  return forward + back;
}

function secondsOf(strategy: Strategy, timing: RolloutTiming, replicas: number, failureLimit: number) {
  const shapes = waveShapes(strategy, replicas, failureLimit);
  // Of blue and green both run until the end: switching back takes one turn.
  const turning = strategy.kind === "blue-green" ? 1 : replicas;
  return {
    forward: shapes.reduce((sum, shape) => sum + waveSeconds(shape, timing), 0),
    back: turnBackSeconds(turning, maxUnavailableOf(strategy), timing),
  };
}

/** One replica of each host before the second of any, so that the first wave is on as many hosts as it can be. */
function inOrder(hash: Hex, seats: readonly ReplicaSeat[]): ReplicaSeat[] {
  const sorted = [...seats].sort((a, b) => (a.replica < b.replica ? -1 : 1));
  const rounds = new Map<HostName, number>();
  return draw(hash, "order", sorted)
    .map((seat) => {
      const round = rounds.get(seat.host) ?? 0;
      rounds.set(seat.host, round + 1);
      return { seat, round };
    })
    .sort((a, b) => a.round - b.round)
    .map(({ seat }) => seat);
}
