import type { HostEntry } from "../../policy/placement/index.js";
import type { Address, Hex, HostDescriptor } from "../../records/index.js";
import { readHost } from "../nodes/host.js";
import type { HostTableEvent } from "./fleetEvents.js";

/** Who has a seat, who is suspended, and what each says of its host, at one block. */
export interface HostTable {
  /** The operators of the seats that have an agent, by the agent's index. */
  readonly seats: ReadonlyMap<number, Address>;
  readonly suspended: ReadonlySet<number>;
  /** By the operator's account in lower case; also of operators without a seat, who may get one again. */
  readonly described: ReadonlyMap<string, HostDescriptor>;
}

export const NO_HOSTS: HostTable = { seats: new Map(), suspended: new Set(), described: new Map() };

/** The index in an event of a seat without an agent. */
const NO_INDEX = 0xffff_ffffn;

/** The table after these events of one block, in their order. */
export function hostTableAfter(before: HostTable, events: readonly HostTableEvent[]): HostTable {
  const seats = new Map(before.seats);
  const suspended = new Set(before.suspended);
  const described = new Map(before.described);
  const leave = (index: bigint) => {
    if (index === NO_INDEX) return;
    seats.delete(Number(index));
    suspended.delete(Number(index));
  };
  for (const { name, args, blockNumber } of events) {
    switch (name) {
      case "NodeAdmitted":
        seats.set(Number(args.index), args.operator as Address);
        break;
      case "AgentSet":
        // A new agent is a sign of life: its seat is not suspended.
        leave(args.oldIndex);
        seats.set(Number(args.newIndex), args.operator as Address);
        break;
      case "AgentRevoked":
      case "NodeRemoved":
        leave(args.index);
        break;
      case "OperatorChanged":
        for (const [index, operator] of seats)
          if (operator === args.oldOperator) seats.set(index, args.newOperator as Address);
        break;
      case "Suspended":
        for (const index of args.indices) suspended.add(Number(index));
        break;
      case "Returned":
        suspended.delete(Number(args.index));
        break;
      case "Lapsed":
        break;
      case "HostDescribed": {
        const operator = args.operator as Address;
        const host = readHost(operator, args.descriptor as Hex, blockNumber);
        if (host === undefined) described.delete(operator.toLowerCase());
        else described.set(operator.toLowerCase(), host);
      }
    }
  }
  return { seats, suspended, described };
}

/** The hosts of those who have a seat and have described one, by the indices of their nodes. */
export function hostEntries({ described, seats, suspended }: HostTable): HostEntry[] {
  return [...seats]
    .sort(([a], [b]) => a - b)
    .flatMap(([index, operator]) => {
      const host = described.get(operator.toLowerCase());
      if (host === undefined) return [];
      const { draining, labels, slots } = host;
      return [{ name: operator, labels, slots, draining, present: !suspended.has(index) }];
    });
}
