import type { Address, ContentId, Hex, RecordKind, RecordValue } from "../../records/index.js";
import type { JointPlace } from "../anchors/anchor.js";

/** The anchor of a record, as the contract has it. */
export interface RecordAnchor {
  readonly root: Hex;
  /** The author's anchors up to this one: the first is 1. Null for a joint anchor. */
  readonly sequence: number | null;
  /** Seconds since the Unix epoch, by the chain. */
  readonly anchoredAt: number;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
  /** The proof that the root is under a joint anchor; null if it was anchored alone. */
  readonly joint: JointPlace | null;
}

/** A record without its content, with the proof that it is anchored. */
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
