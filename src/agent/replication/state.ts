import type { RetentionRules } from "../../policy/index.js";
import type { IndexedRecord, RecordIndex } from "./recordIndex.js";

/** How the records of the mesh are replicated, as one node sees it. */
export interface ReplicationState {
  /** Records of all anchors whose manifests could be read. */
  readonly records: number;
  /** Anchors whose manifests could not be read. */
  readonly unread: number;
  /** Records and manifests held here: others', and this node's own. */
  readonly held: number;
  /** Records and manifests of this node's share that it does not hold yet. */
  readonly missing: number;
  /** How many nodes hold each record besides its author, as voted, or as configured if there was no vote. */
  readonly replicas: RetentionRules["replicas"];
  /** Records and manifests by the number of nodes known to hold them: the place is the number, the last one "or more". */
  readonly byHolders: readonly number[];
  /** Records and manifests that fewer than the maximum of `replicas`, or than are present, are known to hold. */
  readonly underReplicated: number;
  /** Of those, the ones that fewer than the minimum of `replicas` are known to hold. */
  readonly belowMinimum: number;
  /** Records and manifests past their voted retention: no node holds them, and only `records` counts them too. */
  readonly expired: number;
  /** Members with a recent report, this node included. */
  readonly present: number;
}

interface ReplicationView {
  readonly index: RecordIndex;
  readonly replicas: RetentionRules["replicas"];
  /** How many members are present. */
  readonly present: number;
  readonly missing: number;
  readonly countHolders: (record: IndexedRecord) => number;
}

export function replicationState({
  index,
  replicas,
  present,
  missing,
  countHolders,
}: ReplicationView): ReplicationState {
  const { min, max } = replicas;
  const byHolders = new Array<number>(max + 2).fill(0);
  const wanted = Math.min(max, present);
  let [records, held, underReplicated, belowMinimum, expired] = [0, 0, 0, 0, 0];
  for (const record of index.records()) {
    if (record.kind !== "Manifest") records += 1;
    if (record.isExpired) {
      expired += 1;
      continue;
    }
    const holders = countHolders(record);
    const place = Math.min(holders, max + 1);
    byHolders[place] = (byHolders[place] ?? 0) + 1;
    if (record.isHeld) held += 1;
    if (holders < wanted) underReplicated += 1;
    if (holders < min) belowMinimum += 1;
  }
  const { unread } = index;
  return { records, unread, held, missing, replicas, byHolders, underReplicated, belowMinimum, expired, present };
}
