import type { Address, ContentId, Hex, RecordKind, RecordValue } from "../../records/index.js";
import type { JointPlace } from "../anchors/anchor.js";

/** Where and when a record was anchored. */
export interface RecordAnchor {
  readonly root: Hex;
  /** The author's anchors up to this one: the first is 1. Null where it was anchored together with others'. */
  readonly sequence: number | null;
  /** Seconds since the Unix epoch, by the chain. */
  readonly anchoredAt: number;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
  /** What shows that the root is under one over many nodes' batches; null if it was anchored alone. */
  readonly joint: JointPlace | null;
}

/** A record by name, with all that proves it to a stranger. */
export interface RecordReference<Kind extends RecordKind = RecordKind> {
  readonly kind: Kind;
  readonly contentId: ContentId;
  readonly cid: string;
  readonly author: Address;
  readonly anchor: RecordAnchor;
  readonly leaf: Hex;
  readonly proof: readonly Hex[];
}

/** A record whose hash, schema, anchor, author and proof were all checked. */
export type VerifiedRecord<Kind extends RecordKind = RecordKind> = {
  [K in Kind]: RecordReference<K> & { readonly value: RecordValue<K> };
}[Kind];
