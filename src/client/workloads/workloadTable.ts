import type { HostEntry, HostName, PlacedWorkload, Placement } from "../../policy/placement/index.js";
import { planStages, type RolloutFacts, turnBackStrategy } from "../../policy/rollout/index.js";
import type { Hex, Release } from "../../records/index.js";
import type { PlacedOrder } from "./orders.js";
import { NO_RELEASE, type OpenRollout, type PlacedDirective, type PlacedWorkloadState } from "./placedFleet.js";

/** Releases that a Rollback can go back to; hosts keep fewer. */
const MAX_GOOD = 16;

/** A rollout as it is kept: who is excused, and whether it failed, instead of the facts at one block. */
type KeptRollout = Omit<OpenRollout, "facts"> & {
  readonly excused: ReadonlySet<HostName>;
  readonly enacted: RolloutFacts["enacted"];
};

/** A workload with a specification, as far as the chain's history says it. */
export interface WorkloadEntry extends Omit<PlacedWorkloadState, "rollout"> {
  /** Position on chain of the first directive that gave it a specification. */
  readonly since: PlacedWorkload["since"];
  readonly rollout: KeptRollout | undefined;
  /** Issued in the block that is being read, which has no plan before replicas are placed. */
  readonly beginning?: Pick<KeptRollout, "directive" | "enacted" | "from" | "release"> | undefined;
}

/** The workloads with a specification, by name. */
export type WorkloadTable = ReadonlyMap<string, WorkloadEntry>;

export interface FleetBlockHead {
  readonly number: number;
  readonly time: number;
  readonly hash: Hex;
}

/** The workload after an order was issued; unchanged by an order on one without a specification. */
export function ordered(
  before: WorkloadEntry | undefined,
  directive: PlacedDirective,
  order: PlacedOrder,
  place: PlacedWorkload["since"],
): WorkloadEntry | undefined {
  if (order.kind === "Deploy" && order.spec !== undefined) {
    const { release, spec, workload: name } = order;
    const known = before ?? { name, since: place, settled: undefined, good: [], rollout: undefined };
    return { ...begun(known, directive, release), spec };
  }
  // A batch is for a workload of one machine: of one that the mesh places it changes nothing.
  if (before === undefined || order.kind === "Deploy") return before;
  if (order.kind === "Scale") return { ...before, spec: { ...before.spec, replicas: order.replicas } };
  const release = order.to ?? doneBefore(before, order.from);
  // Without a release to go back to, what is under way stays so.
  if (release === undefined) return before;
  return begun(before, directive, release);
}

/** A rollout starts from what was done last, whatever is under way. */
function begun<Entry extends Pick<WorkloadEntry, "settled">>(
  before: Entry,
  directive: PlacedDirective,
  release: Release,
) {
  return { ...before, beginning: { directive, release, from: before.settled?.release, enacted: null } };
}

/** The release that was last enacted `done`, besides the one to leave. */
function doneBefore({ good, settled }: WorkloadEntry, left: Hex): Release | undefined {
  return [...(settled === undefined ? [] : [settled.release]), ...good].find(({ sha256 }) => sha256 !== left);
}

/**
 * The workload after a directive was enacted. Only its newest rollout counts: one that another has superseded ends nothing any
 * more, so that hosts turn back to the same release as they were told at the issue.
 */
export function enacted(before: WorkloadEntry, directive: Hex, result: "done" | "failed", at: number): WorkloadEntry {
  const { beginning, good, rollout, settled } = before;
  if (beginning?.directive.id === directive) return { ...before, beginning: { ...beginning, enacted: { result, at } } };
  if (beginning !== undefined || rollout?.directive.id !== directive) return before;
  if (result === "failed") return { ...before, rollout: { ...rollout, enacted: { result, at } } };
  const { release } = rollout;
  const left = rollout.directive.kind === "Rollback" ? settled?.release.sha256 : undefined;
  const others = [...(settled === undefined ? [] : [settled.release]), ...good].filter(
    ({ sha256 }) => sha256 !== release.sha256 && sha256 !== left,
  );
  return {
    ...before,
    settled: { directive, release, at, plan: rollout.plan },
    good: others.slice(0, MAX_GOOD),
    rollout: undefined,
  };
}

/** The workload at the end of a block, once replicas are placed: with the plan of what began in it, and who is excused of what is open. */
export function atBlockEnd(
  { beginning, ...entry }: WorkloadEntry,
  block: FleetBlockHead,
  hosts: readonly HostEntry[],
  placement: Placement,
): WorkloadEntry {
  if (beginning !== undefined) {
    const present = hosts.filter((host) => host.present).map(({ name }) => name);
    const seats = [...placement.seats.values()].filter(({ workload }) => workload === entry.name);
    const { directive, enacted: end, from, release } = beginning;
    const { exclusive, failureLimit, irreversible, strategy, timing } = entry.spec;
    const plan = planStages({
      directive: directive.id,
      workload: entry.name,
      from: from?.sha256 ?? NO_RELEASE,
      to: release.sha256,
      issue: block,
      deadline: directive.deadline,
      seats,
      present,
      strategy: directive.kind === "Rollback" ? turnBackStrategy(strategy) : strategy,
      timing,
      failureLimit: failureLimit ?? undefined,
      irreversible,
      exclusive,
    });
    const rollout = { directive, release, from, issue: block, plan, excused: new Set<HostName>(), enacted: null };
    const open: WorkloadEntry = { ...entry, rollout };
    return end === null ? open : enacted(open, directive.id, end.result, end.at);
  }
  const { rollout } = entry;
  if (rollout === undefined) return entry;
  const excused = excusedOf(rollout, hosts, placement);
  return excused.size === rollout.excused.size ? entry : { ...entry, rollout: { ...rollout, excused } };
}

/**
 * The hosts that lost a replica of the plan at some block since the issue, since they were suspended, left, or were drained, or by a Scale: they
 * say nothing more about it. And the witnesses that were suspended or left.
 */
function excusedOf(
  { excused, plan }: KeptRollout,
  hosts: readonly HostEntry[],
  { seats }: Placement,
): ReadonlySet<HostName> {
  const planned = (plan.plan?.waves ?? []).flatMap(({ replicas }) => replicas);
  const present = new Set(hosts.flatMap((host) => (host.present ? host.name : [])));
  return new Set([
    ...excused,
    ...planned.flatMap(({ host, replica, witnesses }) => [
      ...(seats.get(replica)?.host === host ? [] : [host]),
      ...witnesses.filter((witness) => !present.has(witness)),
    ]),
  ]);
}

/** What decides where its replicas run. */
export function placedWorkload({ name, since, spec }: WorkloadEntry): PlacedWorkload {
  const { exclusive, replicas, selector, spread } = spec;
  return { name, since, replicas, selector, spread: spread ?? undefined, exclusive };
}

/** The workload as of a block of this time. */
export function stateOf({ beginning, rollout, since, ...entry }: WorkloadEntry, now: number): PlacedWorkloadState {
  if (rollout === undefined) return { ...entry, rollout };
  const { enacted, excused, ...open } = rollout;
  return { ...entry, rollout: { ...open, facts: { now, excused, enacted, control: null } } };
}
