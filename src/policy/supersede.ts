import type { Order } from "../records/index.js";

type SupersedableOrder = Extract<Order, { readonly workload: string }>;

/** Whether a later order on the same workload can supersede this one. */
export function maySupersede(order: Order): order is SupersedableOrder {
  return "workload" in order;
}

/** Whether carrying out the earlier order now would undo a later one that was already carried out. */
export function supersedes(later: Order, earlier: Order): boolean {
  if (!maySupersede(later) || !maySupersede(earlier) || later.workload !== earlier.workload) return false;
  switch (later.kind) {
    case "Rollback":
      return earlier.kind === "Deploy" && earlier.release.sha256 === later.from;
    case "Deploy":
      return earlier.kind === "Rollback" || (earlier.kind === "Deploy" && !sameRelease(later, earlier));
    case "Scale":
      return earlier.kind === "Scale" && earlier.replicas !== later.replicas;
  }
}

function sameRelease(one: Order & { kind: "Deploy" }, other: Order & { kind: "Deploy" }): boolean {
  return one.release.sha256 === other.release.sha256;
}
