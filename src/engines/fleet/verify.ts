import type { FleetOrder } from "./plan.js";
import type { ReplicaStatus, RolloutResult } from "./types.js";

/** Whether what a node sees bears out what another claims, and why. */
export interface Attestable {
  readonly holds: boolean;
  readonly why: string;
}

/**
 * Whether a look at the fleet bears out that an order was done, or that it failed: how nodes that did not carry it out
 * attest what they see themselves. What is being changed right now bears out nothing.
 *
 * @param statuses all workloads that this node sees, of whatever fleet.
 */
export function verify(
  order: FleetOrder,
  statuses: readonly ReplicaStatus[],
  claimed: RolloutResult["result"] = "done",
): Attestable {
  const concerned =
    order.kind === "Restart"
      ? statuses.filter(({ subject }) => subject === `workload/${order.workload}`)
      : statuses.filter(({ fleet }) => fleet === order.fleet);
  const changing = concerned.find((status) => status.changing);
  if (changing) return { holds: false, why: `${changing.subject} is being changed` };
  const fault =
    claimed === "failed" && order.kind === "Deploy"
      ? illnessOn(order.release.sha256, concerned)
      : faultOf(order, concerned);
  if (claimed === "done") return { holds: fault === undefined, why: fault ?? "it is as ordered" };
  return { holds: fault !== undefined, why: fault ?? "nothing that was changed is ill" };
}

/** What is not as ordered; undefined where all is. */
function faultOf(order: FleetOrder, statuses: readonly ReplicaStatus[]): string | undefined {
  const [first] = statuses;
  switch (order.kind) {
    case "Restart":
      if (!first) return `${order.workload} is not there`;
      if (first.instance === order.instance) return `${order.workload} still is ${order.instance}`;
      return illness(first);
    case "Scale": {
      const alive = statuses.filter((status) => status.alive).length;
      return alive === order.replicas ? undefined : `${alive} workloads are alive, not ${order.replicas}`;
    }
    case "Deploy":
      return first ? offRelease(order.release.sha256, statuses) : "the fleet has no workloads";
    case "Rollback": {
      if (!first) return "the fleet has no workloads";
      const left = statuses.find(({ release }) => release.sha256 === order.from);
      if (left) return `${left.subject} is still on the release to be left`;
      return offRelease(order.to?.sha256 ?? first.release.sha256, statuses);
    }
  }
}

function offRelease(sha256: string, statuses: readonly ReplicaStatus[]): string | undefined {
  const other = statuses.find(({ release }) => release.sha256 !== sha256);
  return illnessOn(sha256, statuses) ?? (other && `${other.subject} is on release ${other.release.name}`);
}

/** Why a deploy fails: a workload that runs the release, or ran it, is not well. */
function illnessOn(sha256: string, statuses: readonly ReplicaStatus[]): string | undefined {
  return statuses
    .filter(({ release }) => release.sha256 === sha256)
    .map(illness)
    .find((ill) => ill !== undefined);
}

function illness({ subject, alive, healthy, instance }: ReplicaStatus): string | undefined {
  if (!alive) return `${subject} is dead`;
  return healthy ? undefined : `${subject} (${instance}) is unhealthy`;
}
