import type { Order } from "../records/index.js";

type FleetOrder = Extract<Order, { readonly fleet: string }>;

/** Whether a later order of this kind may take an earlier one's place. */
export function maySupersede(order: Order): order is FleetOrder {
  return "fleet" in order;
}

/**
 * Whether an order that was carried out since takes an earlier one's place, so that to carry the earlier one out now would
 * undo what was decided after it.
 */
export function supersedes(later: Order, earlier: Order): boolean {
  if (!maySupersede(later) || !maySupersede(earlier) || later.fleet !== earlier.fleet) return false;
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
