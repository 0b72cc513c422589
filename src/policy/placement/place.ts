import { replicaName } from "../../records/index.js";
import type {
  HostEntry,
  HostName,
  PlacedWorkload,
  Placement,
  PlacementView,
  ReplicaSeat,
  UnplacedReplica,
} from "./types.js";

export const NO_PLACEMENT: Placement = { seats: new Map(), unplaced: [], left: new Map() };

/** A workload's replicas, each with the only host that it may have, if there is but one. */
interface WantedReplica {
  readonly replica: string;
  readonly only?: HostName;
}

/**
 * The seats at a block, from those at the block before it at which anything changed. A seated replica keeps its seat while
 * its host is present, not draining, matches and has the slot; only after that are seats given, to older workloads first.
 * Every node that applies it to the same blocks has the same seats, in whatever order it holds hosts and workloads.
 *
 * A replica goes to the value of the spread label with the fewest replicas of its workload, there to the host with the fewest
 * of them, then to the host that is least full, then to the first by name.
 */
export function place(view: PlacementView, before: Placement = NO_PLACEMENT): Placement {
  const hosts = [...view.hosts].sort((a, b) => compareText(a.name, b.name));
  const workloads = [...view.workloads].sort(
    (a, b) => a.since[0] - b.since[0] || a.since[1] - b.since[1] || compareText(a.name, b.name),
  );
  const free = new Map(hosts.map((host) => [host.name, isOpen(host) ? host.slots : 0]));
  const wanted = workloads.map((workload) => {
    const matching = hosts.filter((host) => isOpen(host) && matches(workload.selector, host));
    return { workload, matching, replicas: replicasOf(workload, matching) };
  });

  const kept = new Map<string, ReplicaSeat>();
  for (const { workload, matching, replicas } of wanted) {
    const names = new Set(matching.map(({ name }) => name));
    for (const { replica, only } of replicas) {
      const seat = before.seats.get(replica);
      if (seat === undefined || seat.workload !== workload.name || !names.has(seat.host)) continue;
      if ((only !== undefined && only !== seat.host) || !take(free, seat.host)) continue;
      kept.set(replica, seat);
    }
  }

  const left = new Map(before.left);
  for (const [replica] of before.seats) if (!kept.has(replica)) left.set(replica, view.blockTime);

  const seats = new Map<string, ReplicaSeat>();
  const unplaced: UnplacedReplica[] = [];
  for (const { workload, matching, replicas } of wanted) {
    const own = replicas.flatMap(({ replica }) => kept.get(replica) ?? []);
    const crowd = crowdOf(workload, matching, own);
    for (const { replica, only } of replicas) {
      const candidates = only === undefined ? matching : matching.filter(({ name }) => name === only);
      const seat = kept.get(replica) ?? newSeat(replica, workload, crowd.least(candidates, free), view, left);
      if (seat === undefined) unplaced.push({ replica, workload: workload.name, reason: reasonOf(candidates) });
      else {
        seats.set(replica, seat);
        left.delete(replica);
        if (!kept.has(replica)) {
          take(free, seat.host);
          crowd.add(seat.host);
        }
      }
    }
  }
  return { seats, unplaced, left };
}

/** The seats after a history of blocks, oldest first: one view for each block at which anything changed. */
export function placeAlong(views: Iterable<PlacementView>): Placement {
  let placement = NO_PLACEMENT;
  for (const view of views) placement = place(view, placement);
  return placement;
}

function replicasOf(workload: PlacedWorkload, matching: readonly HostEntry[]): WantedReplica[] {
  if (workload.replicas === "all")
    return matching.map(({ name }) => ({ replica: `${workload.name}/${name}`, only: name }));
  return Array.from({ length: workload.replicas }, (_, index) => ({ replica: replicaName(workload.name, index) }));
}

function newSeat(
  replica: string,
  workload: PlacedWorkload,
  host: HostEntry | undefined,
  view: PlacementView,
  left: ReadonlyMap<string, number>,
): ReplicaSeat | undefined {
  if (host === undefined) return undefined;
  return { replica, workload: workload.name, host: host.name, since: view.blockTime, leftAt: left.get(replica) };
}

/** How many replicas of a workload are on each host, and on all hosts that share a value of the spread label. */
function crowdOf(workload: PlacedWorkload, hosts: readonly HostEntry[], seats: readonly ReplicaSeat[]) {
  const domains = new Map(hosts.map((host) => [host.name, domainOf(workload, host)]));
  const onHost = new Map<HostName, number>();
  const inDomain = new Map<string, number>();
  const add = (host: HostName) => {
    const domain = domains.get(host) ?? "";
    onHost.set(host, (onHost.get(host) ?? 0) + 1);
    inDomain.set(domain, (inDomain.get(domain) ?? 0) + 1);
  };
  for (const { host } of seats) add(host);
  const isBefore = (a: HostEntry, b: HostEntry, free: ReadonlyMap<HostName, number>): boolean => {
    const spread = (inDomain.get(domains.get(a.name) ?? "") ?? 0) - (inDomain.get(domains.get(b.name) ?? "") ?? 0);
    if (workload.spread !== undefined && spread !== 0) return spread < 0;
    const own = (onHost.get(a.name) ?? 0) - (onHost.get(b.name) ?? 0);
    if (own !== 0) return own < 0;
    // The share of free slots, compared without division.
    return (free.get(a.name) ?? 0) * b.slots > (free.get(b.name) ?? 0) * a.slots;
  };
  return {
    add,
    /** Of hosts in the order of their names, so that the first of equals is the first by name. */
    least(candidates: readonly HostEntry[], free: ReadonlyMap<HostName, number>): HostEntry | undefined {
      let best: HostEntry | undefined;
      for (const host of candidates) {
        if ((free.get(host.name) ?? 0) > 0 && (best === undefined || isBefore(host, best, free))) best = host;
      }
      return best;
    },
  };
}

/** Hosts without the label are one domain of their own. */
function domainOf({ spread }: PlacedWorkload, { labels }: HostEntry): string {
  return spread === undefined ? "" : (labels[spread] ?? "");
}

/** Whether replicas may be on it: they leave one that is suspended or drained. */
function isOpen({ draining, present }: HostEntry): boolean {
  return present && !draining;
}

function matches(selector: PlacedWorkload["selector"], { labels }: HostEntry): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

function take(free: Map<HostName, number>, host: HostName): boolean {
  const slots = free.get(host) ?? 0;
  if (slots <= 0) return false;
  free.set(host, slots - 1);
  return true;
}

function reasonOf(candidates: readonly HostEntry[]): string {
  if (candidates.length === 0) return "no host that is present and not draining has the labels that it asks for";
  return `all slots of the ${candidates.length} hosts that match are taken`;
}

/** By code units, as everywhere alike; not by the machine's language. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
