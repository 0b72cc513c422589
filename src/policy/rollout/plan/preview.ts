import type { Hex, WorkloadSpec } from "../../../records/index.js";
import { type Placement, type PlacementView, place, type ReplicaSeat } from "../../placement/index.js";
import { type PlannedStages, planStages, rolloutSeconds } from "./plan.js";

/** Where replicas run at one block, as far as an order on a workload depends on it. */
export interface FleetView {
  readonly view: PlacementView;
  readonly placement: Placement;
}

export interface PreviewParameters {
  readonly workload: string;
  readonly spec: WorkloadSpec;
  /** The sha256 of the release to leave and of the one to take. */
  readonly from: Hex;
  readonly to: Hex;
  /** The directive's delay and window; what the rollout needs by default. */
  readonly seconds?: number | undefined;
}

/** What a Deploy with a specification would do if it were issued at a block. */
export interface RolloutPreview {
  /** All seats after it. */
  readonly placement: Placement;
  /** Those of the workload. */
  readonly seats: readonly ReplicaSeat[];
  /** What the directive's window must have, at least. */
  readonly seconds: number;
  /** The issue draws who goes first and who watches: here some other draw does. */
  readonly planned: PlannedStages;
}

const NO_DRAW: Hex = `0x${"0".repeat(64)}`;

/** What an order would do: shown to people before they vote, and judged by agents when they do. */
export function previewRollout(
  { view, placement: before }: FleetView,
  { from, seconds, spec, to, workload: name }: PreviewParameters,
): RolloutPreview {
  const { exclusive, failureLimit, irreversible, replicas, selector, strategy, timing } = spec;
  const known = view.workloads.find((each) => each.name === name);
  // A new workload is younger than all others.
  const since = known?.since ?? ([Number.MAX_SAFE_INTEGER, 0] as const);
  const workload = { name, since, replicas, selector, spread: spec.spread ?? undefined, exclusive };
  const others = view.workloads.filter((each) => each !== known);
  const placement = place({ ...view, workloads: [...others, workload] }, before);
  const seats = [...placement.seats.values()].filter((seat) => seat.workload === name);
  const needed = rolloutSeconds(spec, seats.length);
  const planned = planStages({
    ...{ directive: NO_DRAW, workload: name, from, to, seats, strategy, timing, irreversible, exclusive },
    issue: { hash: NO_DRAW, time: view.blockTime },
    deadline: view.blockTime + (seconds ?? needed),
    present: view.hosts.filter(({ present }) => present).map(({ name: host }) => host),
    failureLimit: failureLimit ?? undefined,
  });
  return { placement, seats, seconds: needed, planned };
}

/**
 * Why a Deploy with a specification cannot be carried out; undefined if it can. One sentence for people.
 */
export function previewFault({ placement, planned, seats }: RolloutPreview, workload: string): string | undefined {
  if (seats.length > 0) return planned.fault;
  const reason = placement.unplaced.find((replica) => replica.workload === workload)?.reason;
  return `no replica of ${workload} can be placed: ${reason ?? "no host takes one"}`;
}
