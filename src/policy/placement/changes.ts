import type { HostName, Placement, UnplacedReplica } from "./types.js";

/** What another placement changes for one replica. */
export interface PlacementChange {
  readonly replica: string;
  /** Undefined if it had no seat, or has none any more. */
  readonly from: HostName | undefined;
  readonly to: HostName | undefined;
}

/** What people see before a vote: what goes where, what moves, and what finds no seat. In the order of the replicas' names. */
export function placementChanges(
  before: Placement,
  after: Placement,
): { readonly changes: readonly PlacementChange[]; readonly unplaced: readonly UnplacedReplica[] } {
  const replicas = [...new Set([...before.seats.keys(), ...after.seats.keys()])].sort();
  const changes = replicas.flatMap((replica): PlacementChange[] => {
    const from = before.seats.get(replica)?.host;
    const to = after.seats.get(replica)?.host;
    return from === to ? [] : [{ replica, from, to }];
  });
  return { changes, unplaced: after.unplaced };
}
