import type { Address, ContentId, Hex, JointBatch, RecordKind } from "../../records/index.js";

/** One root over the batches of many nodes, from its event. Authors may come by several transactions. */
export interface JointAnchor {
  readonly root: Hex;
  readonly epoch: number;
  readonly batches: number;
  /** The block that lists the batches. */
  readonly manifest: ContentId;
  /** The last second in which it takes authors, since the Unix epoch. */
  readonly deadline: number;
}

/** The proof that a batch is under a joint root. */
export interface JointPlace extends JointAnchor {
  /** The siblings from the batch up to the topmost node. */
  readonly path: readonly Hex[];
  /** The batch's position, its number of records, the block that lists them, and its author's signature. */
  readonly batch: Pick<JointBatch, "index" | "count" | "manifest" | "signature">;
}

/** A batch that is anchored, by its author alone or under a joint anchor. */
export interface AnchorEntry {
  readonly author: Address;
  readonly root: Hex;
  /** The author's anchors up to this one; null for a joint anchor. */
  readonly sequence: number | null;
  readonly count: number;
  readonly manifest: ContentId;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
  /** The joint anchor that it is under; null if it was anchored alone. */
  readonly joint: JointAnchor | null;
}

/** A record's place in an anchor. */
export interface AnchoredLeaf {
  readonly anchor: AnchorEntry;
  readonly kind: RecordKind;
  readonly contentId: ContentId;
  readonly leaf: Hex;
  readonly proof: readonly Hex[];
}

/** An anchor whose records could not be read, and why. */
export interface UnreadAnchor {
  /** `author` is null for a joint anchor: its authors are not known without its manifest. */
  readonly anchor: Pick<AnchorEntry, "root" | "manifest" | "transactionHash" | "blockNumber"> & {
    readonly author: Address | null;
  };
  readonly error: unknown;
}
