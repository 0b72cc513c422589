import { type OrderOf, type OutcomeDetail, type Release, replicaSubject } from "../../records/index.js";
import { FleetError } from "./errors.js";
import { type ReplicaStatus, subjectOfReplica, type WorkloadState } from "./types.js";

/** Good releases that are remembered for a Rollback. */
const MAX_GOOD_RELEASES = 16;

/** The orders on a workload of one machine, or on one of its replicas. */
export type WorkloadOrder =
  | (OrderOf<"Deploy"> & { readonly batch: number })
  | OrderOf<"Scale" | "Rollback" | "Restart">;

/** One replica in a batch. */
export interface BatchTarget {
  readonly index: number;
  /** false if it is on the release already, and only its health is checked. */
  readonly replace: boolean;
}

/** All that an order demands, decided once before the first step, so that any process that carries on does the same. */
export interface RolloutPlan {
  /** The desired state from the start of the rollout on, and after its success. */
  readonly during: WorkloadState;
  readonly done: WorkloadState;
  readonly release: Release;
  readonly removals: readonly number[];
  readonly batches: readonly (readonly BatchTarget[])[];
  /** Whether a failed batch ends the rollout and leaves the rest untouched. */
  readonly abort: boolean;
  /** Replicas that the order does not concern. */
  readonly skipped: readonly OutcomeDetail[];
}

/**
 * What an order demands of a workload, given its current state.
 *
 * @throws {FleetError} `unknown-workload`, `unknown-replica`, `no-earlier-release`.
 */
export function planRollout(
  order: WorkloadOrder,
  state: WorkloadState,
  statuses: readonly ReplicaStatus[],
): RolloutPlan {
  if (order.kind !== "Restart" && order.workload !== state.workload) {
    const message = `The order is about workload "${order.workload}", this one is "${state.workload}".`;
    throw new FleetError("unknown-workload", message);
  }
  switch (order.kind) {
    case "Deploy": {
      const targets = convergeOn(order.release, state, statuses);
      return plan(state, order.release, { batches: inBatches(targets, order.batch), abort: true });
    }
    case "Rollback":
      return planRollback(order, state, statuses);
    case "Scale":
      return planScale(order, state, statuses);
    case "Restart":
      return planRestart(order, state, statuses);
  }
}

function planRollback(
  order: OrderOf<"Rollback">,
  state: WorkloadState,
  statuses: readonly ReplicaStatus[],
): RolloutPlan {
  const leaving = state.current.sha256 === order.from;
  const affected = leaving || statuses.some(({ release }) => release.sha256 === order.from);
  if (!affected) {
    const note = "is not on the release to be left";
    const skipped = statuses.map(({ subject }) => ({ subject, result: "skipped", note }) as const);
    return plan(state, state.current, { skipped });
  }
  const earlier = leaving ? state.good.findLast(({ sha256 }) => sha256 !== order.from) : state.current;
  const target = order.to ?? earlier;
  if (!target) {
    throw new FleetError(
      "no-earlier-release",
      `Workload "${state.workload}" ran no good release before ${order.from}.`,
      {
        hints: ["Name the release to go back to in the order."],
      },
    );
  }
  const left = { ...state, good: state.good.filter(({ sha256 }) => sha256 !== order.from) };
  return plan(left, target, { batches: inBatches(convergeOn(target, state, statuses), state.replicas) });
}

function planScale(
  { replicas }: OrderOf<"Scale">,
  state: WorkloadState,
  statuses: readonly ReplicaStatus[],
): RolloutPlan {
  const alive = new Set(statuses.filter((status) => status.alive).map(({ subject }) => subject));
  const missing = indices(replicas).filter((index) => !alive.has(subjectOfReplica(state.workload, index)));
  const last = Math.max(state.replicas, ...statuses.map(({ subject }) => indexOf(subject, state.workload) + 1));
  return plan({ ...state, replicas }, state.current, {
    removals: indices(last).filter((index) => index >= replicas),
    batches: inBatches(
      missing.map((index) => ({ index, replace: true })),
      replicas,
    ),
  });
}

function planRestart(order: OrderOf<"Restart">, state: WorkloadState, statuses: readonly ReplicaStatus[]): RolloutPlan {
  const index = indexOf(replicaSubject(order.replica), state.workload);
  const status = statuses.find(({ subject }) => subject === subjectOfReplica(state.workload, index));
  if (!status || index >= state.replicas) {
    throw new FleetError("unknown-replica", `Workload "${state.workload}" has no replica "${order.replica}".`);
  }
  // A newer instance means that the restart was done. Its health is still to be checked.
  const replace = status.instance === null || status.instance === order.instance;
  const release = [state.current, ...state.good].find(({ sha256 }) => sha256 === status.release.sha256);
  return { ...plan(state, release ?? state.current, { batches: [[{ index, replace }]] }), during: state, done: state };
}

function plan(state: WorkloadState, release: Release, rest: Partial<RolloutPlan>): RolloutPlan {
  const during = { ...state, current: release };
  const others = state.good.filter(({ sha256 }) => sha256 !== release.sha256);
  const done = { ...during, good: [...others, release].slice(-MAX_GOOD_RELEASES) };
  return { during, done, release, removals: [], batches: [], abort: false, skipped: [], ...rest };
}

/** All replicas; those that are alive on the release already are not replaced. */
function convergeOn(release: Release, state: WorkloadState, statuses: readonly ReplicaStatus[]): BatchTarget[] {
  const bySubject = new Map(statuses.map((status) => [status.subject, status]));
  return indices(state.replicas).map((index) => {
    const status = bySubject.get(subjectOfReplica(state.workload, index));
    return { index, replace: !status?.alive || status.release.sha256 !== release.sha256 };
  });
}

function inBatches(targets: readonly BatchTarget[], size: number): BatchTarget[][] {
  const batches: BatchTarget[][] = [];
  for (let from = 0; from < targets.length; from += size) batches.push(targets.slice(from, from + size));
  return batches;
}

function indices(count: number): number[] {
  return [...Array(count).keys()];
}

/** 3 for `replica/web/3`; -1 if it is no replica of the workload. */
function indexOf(subject: string, workload: string): number {
  const prefix = subjectOfReplica(workload, 0).slice(0, -1);
  const digits = subject.startsWith(prefix) ? subject.slice(prefix.length) : "";
  return /^(0|[1-9]\d*)$/.test(digits) ? Number(digits) : -1;
}
