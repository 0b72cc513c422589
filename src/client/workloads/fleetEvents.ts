import type { ChainEventOf } from "../../ports/chain/index.js";
import { type DirectiveKind, DirectiveKinds, type Hex } from "../../records/index.js";
import { membershipEvents } from "../nodes/membershipEvents.js";

/** The events from which the placement of all workloads follows. */
export const fleetEvents = [...membershipEvents, "HostDescribed", "DirectiveIssued", "DirectiveEnacted"] as const;

export type FleetEvent = ChainEventOf<(typeof fleetEvents)[number]>;
export type HostTableEvent = ChainEventOf<(typeof membershipEvents)[number] | "HostDescribed">;

/** The kinds of orders that say what runs where. */
const WORKLOAD_KINDS: readonly DirectiveKind[] = ["Deploy", "Scale", "Rollback"];

/** The events of one block, in their order. */
export interface FleetBlock {
  readonly number: number;
  readonly hash: Hex;
  readonly events: readonly FleetEvent[];
}

export function isWorkloadIssue(event: FleetEvent): event is ChainEventOf<"DirectiveIssued"> {
  if (event.name !== "DirectiveIssued") return false;
  const kind = DirectiveKinds[Number(event.args.kind)];
  return kind !== undefined && WORKLOAD_KINDS.includes(kind);
}

/** Leaves out directives that are not about a workload. */
export function onWorkloads(events: readonly FleetEvent[]): FleetEvent[] {
  const known = new Set<string>();
  return events.filter((event) => {
    if (event.name === "DirectiveEnacted") return known.has(event.args.directiveId);
    if (event.name !== "DirectiveIssued") return true;
    if (isWorkloadIssue(event)) known.add(event.args.directiveId);
    return isWorkloadIssue(event);
  });
}

/** Events in the order of the chain, block by block. */
export function byBlock(events: readonly FleetEvent[]): FleetBlock[] {
  const blocks: (FleetBlock & { readonly events: FleetEvent[] })[] = [];
  for (const event of events) {
    const last = blocks.at(-1);
    if (last?.number === event.blockNumber) last.events.push(event);
    else blocks.push({ number: event.blockNumber, hash: event.blockHash, events: [event] });
  }
  return blocks;
}
