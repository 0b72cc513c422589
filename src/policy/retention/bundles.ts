import type { Bundle, OrderOf, Release } from "../../records/index.js";

/** Good releases of a workload whose bundles are held, the current one among them: as many as a host keeps unpacked. */
export const KEPT_GOOD_BUNDLES = 4;

/** An order that brought a release to a workload, or is to bring it. */
export interface ReleaseOrder {
  readonly order: OrderOf<"Deploy" | "Rollback">;
  /** `ended` without having been done. */
  readonly status: "open" | "done" | "ended";
}

/** A bundle and the workloads whose releases need it. */
export interface HeldBundle {
  readonly bundle: Bundle;
  readonly workloads: ReadonlySet<string>;
}

/**
 * The bundles that must not be lost, each once: of orders that are open, of the newest order on each workload, however it ended,
 * since replicas may run its release, and of the last {@link KEPT_GOOD_BUNDLES} releases that were done.
 *
 * @param orders The oldest first.
 */
export function bundlesToHold(orders: readonly ReleaseOrder[]): readonly HeldBundle[] {
  const held = new Map<string, { readonly bundle: Bundle; readonly workloads: Set<string> }>();
  for (const [workload, all] of byWorkload(orders)) {
    for (const bundle of releasesOf(all).flatMap(({ signed }) => signed?.bundle ?? [])) {
      const known = held.get(bundle.cid) ?? { bundle, workloads: new Set() };
      held.set(bundle.cid, known);
      known.workloads.add(workload);
    }
  }
  return [...held.values()];
}

function releasesOf(orders: readonly ReleaseOrder[]): readonly Release[] {
  let good: readonly Release[] = [];
  let newest: Release | undefined;
  const open: Release[] = [];
  for (const { order, status } of orders) {
    const left = order.kind === "Rollback" ? order.from : undefined;
    const target =
      order.kind === "Deploy" ? order.release : (order.to ?? good.findLast(({ sha256 }) => sha256 !== order.from));
    if (target === undefined) continue;
    newest = target;
    if (status === "open") open.push(target);
    if (status !== "done") continue;
    good = [...good.filter(({ sha256 }) => sha256 !== target.sha256 && sha256 !== left), target];
  }
  return [...good.slice(-KEPT_GOOD_BUNDLES), ...open, ...(newest === undefined ? [] : [newest])];
}

function byWorkload(orders: readonly ReleaseOrder[]): ReadonlyMap<string, readonly ReleaseOrder[]> {
  const found = new Map<string, ReleaseOrder[]>();
  for (const each of orders) found.set(each.order.workload, [...(found.get(each.order.workload) ?? []), each]);
  return found;
}
