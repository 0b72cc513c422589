import type { PlacedFleet, PlacedWorkloadState } from "../../client/index.js";
import type { JudgedFleetView } from "../../policy/index.js";
import type { Order } from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";
import type { ConfirmedFleet } from "./confirmedFleet.js";

/** What a voter knows of the fleet when it judges an order. */
export interface JudgedFleet {
  /** Undefined if the order does not depend on it, or if this node cannot tell where others have replicas. */
  readonly fleet?: (JudgedFleetView & PlacedFleet) | undefined;
  /** Whether the mesh carries the order out by stages. */
  readonly isPlaced: boolean;
  /** False while this node must not judge the order: it would judge another fleet than others do. */
  readonly mayTell: boolean;
}

/** Reads the fleet if the order is about a workload. */
export async function judgedFleet(
  order: Order | undefined,
  { fleet: confirmed, logger }: { readonly fleet?: Pick<ConfirmedFleet, "read"> | undefined; readonly logger: Logger },
  signal: AbortSignal,
): Promise<JudgedFleet> {
  if (order === undefined || !("workload" in order)) return { isPlaced: false, mayTell: true };
  const { workload } = order;
  const hasSpec = order.kind === "Deploy" && order.spec !== undefined;
  const read = await confirmed?.read(signal);
  const fleet = read?.incomplete === undefined ? read : undefined;
  const mayTell = confirmed === undefined || fleet !== undefined || !hasSpec;
  if (!mayTell) logger.info("cannot judge an order on a workload yet", { workload, reason: read?.incomplete });
  // A Scale takes effect with its issue, whatever its workload is.
  const isPlaced = hasSpec || (order.kind === "Rollback" && fleet?.workloads.has(workload) === true);
  if (fleet === undefined) return { isPlaced, mayTell };
  const workloads = [...fleet.workloads.values()];
  const specs = new Map(workloads.map(({ name, spec }) => [name, spec] as const));
  const changing = new Set(workloads.filter(isChanging).map(({ name }) => name));
  return { fleet: { ...fleet, specs, changing }, isPlaced, mayTell };
}

/** Whether a rollout is under way: begun, and neither enacted nor lapsed. */
function isChanging({ rollout }: PlacedWorkloadState): boolean {
  if (rollout?.plan.plan === undefined) return false;
  return rollout.facts.enacted === null && rollout.facts.now <= rollout.directive.deadline;
}
