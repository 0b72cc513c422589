import type { OrderOf, OutcomeDetail, Release } from "../../records/index.js";
import { FleetError } from "./errors.js";
import { type FleetState, type ReplicaStatus, subjectOf } from "./types.js";

/** Good releases that are remembered as a way back. */
const MAX_GOOD_RELEASES = 16;

/** The orders that a fleet carries out. */
export type FleetOrder = OrderOf<"Deploy" | "Scale" | "Rollback" | "Restart">;

/** One workload in a batch. */
export interface Target {
  readonly index: number;
  /** false: it is as it should be, and only its health is checked. */
  readonly replace: boolean;
}

/** All that will be done for an order, decided once, before the first step, so that whoever goes on does the same. */
export interface RolloutPlan {
  /** What the fleet is to be from the start of the rollout on, and what it is once all went well. */
  readonly during: FleetState;
  readonly done: FleetState;
  readonly release: Release;
  readonly removals: readonly number[];
  readonly batches: readonly (readonly Target[])[];
  /** Whether a batch that fails ends the rollout, the rest untouched. */
  readonly abort: boolean;
  /** Workloads that the order does not concern. */
  readonly skipped: readonly OutcomeDetail[];
}

/**
 * What an order means for a fleet as it is now.
 *
 * @throws {FleetError} `unknown-fleet`, `unknown-workload`, `no-earlier-release`.
 */
export function planRollout(order: FleetOrder, state: FleetState, statuses: readonly ReplicaStatus[]): RolloutPlan {
  if (order.kind !== "Restart" && order.fleet !== state.name) {
    throw new FleetError("unknown-fleet", `The order is about fleet "${order.fleet}", this one is "${state.name}".`);
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

function planRollback(order: OrderOf<"Rollback">, state: FleetState, statuses: readonly ReplicaStatus[]): RolloutPlan {
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
    throw new FleetError("no-earlier-release", `Fleet "${state.name}" ran no good release before ${order.from}.`, {
      hints: ["Name the release to go back to in the order."],
    });
  }
  const left = { ...state, good: state.good.filter(({ sha256 }) => sha256 !== order.from) };
  return plan(left, target, { batches: inBatches(convergeOn(target, state, statuses), state.replicas) });
}

function planScale({ replicas }: OrderOf<"Scale">, state: FleetState, statuses: readonly ReplicaStatus[]): RolloutPlan {
  const alive = new Set(statuses.filter((status) => status.alive).map(({ subject }) => subject));
  const missing = indices(replicas).filter((index) => !alive.has(subjectOf(state.name, index)));
  const last = Math.max(state.replicas, ...statuses.map(({ subject }) => indexOf(subject, state.name) + 1));
  return plan({ ...state, replicas }, state.current, {
    removals: indices(last).filter((index) => index >= replicas),
    batches: inBatches(
      missing.map((index) => ({ index, replace: true })),
      replicas,
    ),
  });
}

function planRestart(order: OrderOf<"Restart">, state: FleetState, statuses: readonly ReplicaStatus[]): RolloutPlan {
  const index = indexOf(`workload/${order.workload}`, state.name);
  const status = statuses.find(({ subject }) => subject === subjectOf(state.name, index));
  if (!status || index >= state.replicas) {
    throw new FleetError("unknown-workload", `There is no workload "${order.workload}" in fleet "${state.name}".`);
  }
  // A newer instance means that the restart was done. Whether it was of use is still to be checked.
  const replace = status.instance === null || status.instance === order.instance;
  const release = [state.current, ...state.good].find(({ sha256 }) => sha256 === status.release.sha256);
  return { ...plan(state, release ?? state.current, { batches: [[{ index, replace }]] }), during: state, done: state };
}

function plan(state: FleetState, release: Release, rest: Partial<RolloutPlan>): RolloutPlan {
  const during = { ...state, current: release };
  const others = state.good.filter(({ sha256 }) => sha256 !== release.sha256);
  const done = { ...during, good: [...others, release].slice(-MAX_GOOD_RELEASES) };
  return { during, done, release, removals: [], batches: [], abort: false, skipped: [], ...rest };
}

/** All replicas; those that live on the release already are left as they are. */
function convergeOn(release: Release, state: FleetState, statuses: readonly ReplicaStatus[]): Target[] {
  const bySubject = new Map(statuses.map((status) => [status.subject, status]));
  return indices(state.replicas).map((index) => {
    const status = bySubject.get(subjectOf(state.name, index));
    return { index, replace: !status?.alive || status.release.sha256 !== release.sha256 };
  });
}

function inBatches(targets: readonly Target[], size: number): Target[][] {
  const batches: Target[][] = [];
  for (let from = 0; from < targets.length; from += size) batches.push(targets.slice(from, from + size));
  return batches;
}

function indices(count: number): number[] {
  return [...Array(count).keys()];
}

/** 3, of `workload/web-3`; -1 where it is no workload of the fleet. */
function indexOf(subject: string, fleet: string): number {
  const prefix = subjectOf(fleet, 0).slice(0, -1);
  const digits = subject.startsWith(prefix) ? subject.slice(prefix.length) : "";
  return /^(0|[1-9]\d*)$/.test(digits) ? Number(digits) : -1;
}
