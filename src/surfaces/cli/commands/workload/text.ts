import type { PlacedFleet, PlacedWorkloadState } from "../../../../client/index.js";
import { type PlacementChange, placementChanges, type UnplacedReplica } from "../../../../policy/placement/index.js";
import type { WorkloadSpec } from "../../../../records/index.js";
import { formatTime, printLine, printNote, printTable } from "../../output/print.js";
import type { FilePreview } from "./file.js";

/** Replicas that a table lists for people: `--json` has all. */
const MAX_ROWS = 50;

/** Such as `10 down at once, stages of 10 %, 50 %, 100 %, each watched for 60 s`. */
export function strategyText({ strategy }: Pick<WorkloadSpec, "strategy">): string {
  if (strategy.kind === "blue-green") return `blue-green, watched for ${strategy.soakSeconds} s`;
  const { kind, maxSurge, maxUnavailable } = strategy;
  const atOnce = `${kind}, ${maxUnavailable} down at once${maxSurge > 0 ? `, ${maxSurge} beside the old ones` : ""}`;
  if (strategy.kind === "rolling") return atOnce;
  const stages = strategy.shares.map((share) => `${share} %`).join(", ");
  return `${atOnce}, stages of ${stages}, each watched for ${strategy.soakSeconds} s`;
}

/** What became of the newest Deploy or Rollback. */
export function rolloutText({ rollout }: PlacedWorkloadState): string {
  if (rollout === undefined) return "none";
  const { directive, facts, plan, release } = rollout;
  const to = `to ${release.name}`;
  if (plan.fault !== undefined) return `${to}: not begun, ${plan.fault}`;
  if (facts.enacted !== null) return `${to}: ${facts.enacted.result} ${formatTime(facts.enacted.at)}`;
  if (facts.now > directive.deadline) return `${to}: lapsed ${formatTime(directive.deadline)}, people decide`;
  return `${to}: open since ${formatTime(directive.issuedAt)}, until ${formatTime(directive.deadline)}`;
}

/** How many replicas have a seat, of how many. */
export function seatsText(name: string, { placement }: Pick<PlacedFleet, "placement">): string {
  const seated = [...placement.seats.values()].filter(({ workload }) => workload === name).length;
  const unplaced = placement.unplaced.filter(({ workload }) => workload === name).length;
  return `${seated} of ${seated + unplaced}`;
}

/** What changes places, and what finds none, of all workloads. */
export interface PlacementDiff {
  readonly changes: readonly PlacementChange[];
  readonly unplaced: readonly UnplacedReplica[];
}

export function diffOf(fleet: PlacedFleet, { preview }: FilePreview): PlacementDiff {
  return placementChanges(fleet.placement, preview.placement);
}

export function printDiff({ changes, unplaced }: PlacementDiff): void {
  printTable(
    changes.slice(0, MAX_ROWS).map(({ from, replica, to }) => ({
      replica,
      change: from === undefined ? "starts" : to === undefined ? "stops" : "moves",
      from: from ?? "",
      to: to ?? "",
    })),
    "No replica starts, moves or stops.",
  );
  printRest(changes.length);
  if (unplaced.length === 0) return;
  printLine();
  printTable(
    unplaced.slice(0, MAX_ROWS).map(({ reason, replica }) => ({ "without a seat": replica, reason })),
    "",
  );
  printRest(unplaced.length);
}

export function printSeats(name: string, { placement }: PlacedFleet): void {
  const seats = [...placement.seats.values()].filter(({ workload }) => workload === name);
  printTable(
    seats.slice(0, MAX_ROWS).map(({ host, replica, since }) => ({ replica, host, since: formatTime(since) })),
    "No replica has a seat.",
  );
  printRest(seats.length);
}

/** Tells people what the fleet that they see may lack. */
export function noteGaps({ incomplete, invalid }: PlacedFleet): void {
  if (incomplete !== undefined) printNote(`Replicas may be elsewhere: ${incomplete}`);
  for (const { directive, reason } of invalid) printNote(`Directive ${directive} changes nothing: ${reason}`);
}

function printRest(length: number): void {
  if (length > MAX_ROWS) printLine(`... and ${length - MAX_ROWS} more: --json lists all.`);
}
