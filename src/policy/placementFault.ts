import type { OrderOf, WorkloadSpec } from "../records/index.js";
import { type FleetView, previewFault, previewRollout, turnBackStrategy } from "./rollout/index.js";

/** What a voter knows of the workloads that the mesh places. */
export interface JudgedFleetView extends FleetView {
  /** Their specifications, by name. */
  readonly specs: ReadonlyMap<string, WorkloadSpec>;
  /** Those that change release now. */
  readonly changing: ReadonlySet<string>;
}

/**
 * Why no host could carry an order out as it is given; undefined if nothing is known against it. One sentence for people.
 *
 * @param seconds The directive's delay and window; what its rollout needs if undefined.
 */
export function placementFault(
  order: OrderOf<"Deploy" | "Rollback">,
  fleet: JudgedFleetView | undefined,
  seconds: number | undefined,
): string | undefined {
  const { workload } = order;
  const placed = fleet?.specs.get(workload);
  if (order.kind === "Deploy" && order.spec === undefined)
    return placed === undefined ? undefined : `the mesh places ${workload}: it takes a spec, not a batch`;
  const spec = order.kind === "Deploy" ? order.spec : placed && back(placed);
  if (fleet === undefined || spec === undefined) return undefined;
  const to = order.kind === "Deploy" ? order.release.sha256 : (order.to?.sha256 ?? order.from);
  return previewFault(previewRollout(fleet, { workload, spec, from: to, to, seconds }), workload);
}

function back(spec: WorkloadSpec): WorkloadSpec {
  return { ...spec, strategy: turnBackStrategy(spec.strategy) };
}
