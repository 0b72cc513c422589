import type { MembershipEvent } from "./membershipEvents.js";
import type { NodeSummary } from "./node.js";

/** Which members are not counted, and which returned. */
export interface SeatPresence {
  /** The number of the newest presence; 0 while nobody was ever suspended. */
  readonly presence: number;
  /** The indices of the members that are suspended. */
  readonly suspended: ReadonlySet<number>;
  /** Those of them that have lapsed: suspended for 30 days without a break, and marked. */
  readonly lapsed: ReadonlySet<number>;
  /** The members that have returned, each with what differs after each return. */
  readonly returned: ReadonlyMap<number, string>;
}

/** What follows from these events, in the order of the chain, for these nodes. */
export function suspendedSeatsOf(events: readonly MembershipEvent[], nodes: readonly NodeSummary[]): SeatPresence {
  const suspended = new Set<number>();
  const lapsed = new Set<number>();
  const returned = new Map<number, string>();
  let presence = 0;
  for (const event of events) {
    const at = `${event.blockHash}/${event.logIndex}`;
    switch (event.name) {
      case "Suspended":
        presence = Number(event.args.presence);
        for (const index of event.args.indices) suspended.add(Number(index));
        break;
      case "Lapsed":
        presence = Number(event.args.presence);
        for (const index of event.args.indices) lapsed.add(Number(index));
        break;
      case "Returned": {
        presence = Number(event.args.presence);
        const index = Number(event.args.index);
        suspended.delete(index);
        lapsed.delete(index);
        returned.set(index, at);
        break;
      }
      case "AgentSet": {
        // A new agent is as good a sign of life as the old one's word, and takes over how often the seat returned.
        const index = Number(event.args.newIndex);
        const before = nodes[index]?.predecessor ?? index;
        if (suspended.has(before) || returned.has(before)) returned.set(index, at);
        break;
      }
    }
  }
  const isActive = (index: number) => nodes[index]?.active === true;
  return {
    presence,
    suspended: new Set([...suspended].filter(isActive)),
    lapsed: new Set([...lapsed].filter(isActive)),
    returned: new Map([...returned].filter(([index]) => isActive(index))),
  };
}
