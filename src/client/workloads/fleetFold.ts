import { NO_PLACEMENT, type Placement, type PlacementView, place } from "../../policy/placement/index.js";
import type { Hex } from "../../records/index.js";
import type { FleetBlock, FleetEvent, HostTableEvent } from "./fleetEvents.js";
import { type HostTable, hostEntries, hostTableAfter, NO_HOSTS } from "./hostTable.js";
import { issuedDirective, type ReadOrder } from "./orders.js";
import type { InvalidOrder, PlacedFleet } from "./placedFleet.js";
import {
  atBlockEnd,
  enacted,
  type FleetBlockHead,
  ordered,
  placedWorkload,
  stateOf,
  type WorkloadEntry,
  type WorkloadTable,
} from "./workloadTable.js";

/** Orders that make no sense, of which people are told; the newest. */
const MAX_INVALID = 32;

/** The number of the contract's report that says `done`; the other that enacts says `failed`. */
const DONE = 2n;

/** What the chain's history says up to one block. Never changed: each block makes another. */
export interface FleetState {
  readonly hosts: HostTable;
  readonly workloads: WorkloadTable;
  readonly placement: Placement;
  readonly invalid: readonly InvalidOrder[];
}

export const NO_FLEET: FleetState = { hosts: NO_HOSTS, workloads: new Map(), placement: NO_PLACEMENT, invalid: [] };

/** The state after one more block. `orders` has what each directive on a workload says that was issued in it. */
export function fleetAfter(
  before: FleetState,
  events: FleetBlock["events"],
  head: FleetBlockHead,
  orders: ReadonlyMap<Hex, ReadOrder>,
): FleetState {
  const { invalid, workloads: changed } = workloadsAfter(before, events, head, orders);
  const hosts = hostTableAfter(before.hosts, events.filter(isOnHosts));
  const view = viewOf({ hosts, workloads: changed }, head.time);
  const placement = place(view, before.placement);
  const workloads = new Map(
    [...changed].map(([name, entry]) => [name, atBlockEnd(entry, head, view.hosts, placement)] as const),
  );
  return { hosts, workloads, placement, invalid };
}

/** The state after a block before the first workload: then nothing depends on the block's time, and nothing is placed. */
export function hostsAfter(before: FleetState, events: FleetBlock["events"]): FleetState {
  return { ...before, hosts: hostTableAfter(before.hosts, events.filter(isOnHosts)) };
}

function workloadsAfter(
  before: FleetState,
  events: FleetBlock["events"],
  { number, time }: FleetBlockHead,
  orders: ReadonlyMap<Hex, ReadOrder>,
): Pick<FleetState, "invalid" | "workloads"> {
  const workloads = new Map<string, WorkloadEntry>(before.workloads);
  const invalid = [...before.invalid];
  for (const event of events) {
    if (event.name === "DirectiveEnacted") {
      const { directiveId, report } = event.args;
      const result = report === DONE ? "done" : "failed";
      for (const [name, entry] of workloads) workloads.set(name, enacted(entry, directiveId as Hex, result, time));
    } else if (event.name === "DirectiveIssued") {
      const directive = issuedDirective(event);
      const read = orders.get(directive.id);
      if (read?.kind === "invalid") invalid.push({ directive: directive.id, blockNumber: number, reason: read.reason });
      if (read?.kind !== "order") continue;
      const { workload } = read.order;
      const entry = ordered(workloads.get(workload), directive, read.order, [number, event.logIndex]);
      if (entry !== undefined) workloads.set(workload, entry);
    }
  }
  return { workloads, invalid: invalid.slice(-MAX_INVALID) };
}

/** What stands on chain at a block of this time. */
function viewOf({ hosts, workloads }: Pick<FleetState, "hosts" | "workloads">, blockTime: number): PlacementView {
  return { blockTime, workloads: [...workloads.values()].map(placedWorkload), hosts: hostEntries(hosts) };
}

/** The fleet at a block in which, and since which, nothing changed. */
export function fleetAt(
  state: FleetState,
  { number, time }: Pick<FleetBlockHead, "number" | "time">,
  incomplete: string | undefined,
): PlacedFleet {
  return {
    blockNumber: number,
    blockTime: time,
    view: viewOf(state, time),
    placement: state.placement,
    incomplete,
    invalid: state.invalid,
    workloads: new Map([...state.workloads].map(([name, entry]) => [name, stateOf(entry, time)] as const)),
  };
}

function isOnHosts(event: FleetEvent): event is HostTableEvent {
  return event.name !== "DirectiveIssued" && event.name !== "DirectiveEnacted";
}
