import type { RetentionRules } from "../../policy/index.js";
import type { IndexedRecord, RecordIndex } from "./recordIndex.js";

/** How the records of the mesh are kept, as one node sees it. */
export interface ReplicationState {
  /** Records in all anchors whose lists could be read. */
  readonly records: number;
  /** Anchors whose lists could not. */
  readonly unread: number;
  /** Records and lists kept here: others', and this node's own. */
  readonly kept: number;
  /** This node's to keep and not here yet. */
  readonly missing: number;
  /** How many nodes keep each record besides its author, as was voted or else as is configured. */
  readonly replicas: RetentionRules["replicas"];
  /** Records and lists by how many nodes are known to hold them: the place is the number, the last one "or more". */
  readonly byHolders: readonly number[];
  /** Records and lists held by fewer than they should be, or not known to be. */
  readonly underReplicated: number;
  /** Of those, held by fewer than the least number of nodes. */
  readonly endangered: number;
  /** Records and lists let go of by vote: nobody's to keep, and in none of the counts but `records`. */
  readonly expired: number;
  /** Members that were heard lately, this node included. */
  readonly present: number;
}

interface KeepingView {
  readonly book: RecordIndex;
  readonly replicas: RetentionRules["replicas"];
  /** How many members are there. */
  readonly present: number;
  readonly missing: number;
  readonly holdersOf: (record: IndexedRecord) => number;
}

export function replicationState({ book, replicas, present, missing, holdersOf }: KeepingView): ReplicationState {
  const { min, max } = replicas;
  const byHolders = new Array<number>(max + 2).fill(0);
  const wanted = Math.min(max, present);
  let [records, kept, underReplicated, endangered, expired] = [0, 0, 0, 0, 0];
  for (const record of book.records()) {
    if (record.kind !== "Manifest") records += 1;
    if (record.expired) {
      expired += 1;
      continue;
    }
    const holders = holdersOf(record);
    const place = Math.min(holders, max + 1);
    byHolders[place] = (byHolders[place] ?? 0) + 1;
    if (record.held) kept += 1;
    if (holders < wanted) underReplicated += 1;
    if (holders < min) endangered += 1;
  }
  const { unread } = book;
  return { records, unread, kept, missing, replicas, byHolders, underReplicated, endangered, expired, present };
}
