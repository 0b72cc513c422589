import { replicaSubject } from "../../records/index.js";
import type { WorkloadOrder } from "./plan.js";
import type { ReplicaStatus, RolloutResult } from "./types.js";

/** Whether what a node observes confirms what another node claims, and why. */
export interface RolloutCheck {
  readonly holds: boolean;
  readonly why: string;
}

/**
 * Whether the replicas' statuses confirm that an order was done, or that it failed. Nodes that did not carry it out attest
 * by this what they observe themselves. Replicas that are being changed confirm nothing.
 *
 * @param statuses all replicas that this node observes, of any workload.
 */
export function verifyRollout(
  order: WorkloadOrder,
  statuses: readonly ReplicaStatus[],
  claimed: RolloutResult["result"] = "done",
): RolloutCheck {
  const concerned =
    order.kind === "Restart"
      ? statuses.filter(({ subject }) => subject === replicaSubject(order.replica))
      : statuses.filter(({ workload }) => workload === order.workload);
  const changing = concerned.find((status) => status.changing);
  if (changing) return { holds: false, why: `${changing.subject} is being changed` };
  const fault =
    claimed === "failed" && order.kind === "Deploy"
      ? faultOnRelease(order.release.sha256, concerned)
      : faultOf(order, concerned);
  if (claimed === "done") return { holds: fault === undefined, why: fault ?? "it is as ordered" };
  return { holds: fault !== undefined, why: fault ?? "no replica that was changed has a fault" };
}

/** What is not as ordered; undefined if all is. */
function faultOf(order: WorkloadOrder, statuses: readonly ReplicaStatus[]): string | undefined {
  const [first] = statuses;
  switch (order.kind) {
    case "Restart":
      if (!first) return `${order.replica} does not exist`;
      if (first.instance === order.instance) return `${order.replica} is still instance ${order.instance}`;
      return faultOfReplica(first);
    case "Scale": {
      const alive = statuses.filter((status) => status.alive).length;
      return alive === order.replicas ? undefined : `${alive} replicas are alive, not ${order.replicas}`;
    }
    case "Deploy":
      return first ? offRelease(order.release.sha256, statuses) : "the workload has no replicas";
    case "Rollback": {
      if (!first) return "the workload has no replicas";
      const left = statuses.find(({ release }) => release.sha256 === order.from);
      if (left) return `${left.subject} is still on the release to leave`;
      return offRelease(order.to?.sha256 ?? first.release.sha256, statuses);
    }
  }
}

function offRelease(sha256: string, statuses: readonly ReplicaStatus[]): string | undefined {
  const other = statuses.find(({ release }) => release.sha256 !== sha256);
  return faultOnRelease(sha256, statuses) ?? (other && `${other.subject} is on release ${other.release.name}`);
}

/** Why a deploy failed: a replica that runs the release, or ran it, is dead or unhealthy. */
function faultOnRelease(sha256: string, statuses: readonly ReplicaStatus[]): string | undefined {
  return statuses
    .filter(({ release }) => release.sha256 === sha256)
    .map(faultOfReplica)
    .find((fault) => fault !== undefined);
}

function faultOfReplica({ subject, alive, healthy, instance, reason }: ReplicaStatus): string | undefined {
  if (!alive) return `${subject} is dead`;
  return healthy ? undefined : `${subject} (${instance}) is unhealthy${reason === undefined ? "" : `: ${reason}`}`;
}
