import { type ContentId, type RecordKind, RecordKinds } from "../../../records/index.js";

/** The reason of the pins on records that other nodes wrote. */
export const REPLICA_PIN = "replica";

/** Manifests are replicated as records are: without them nodes could not tell which records there are. */
export type IndexedKind = RecordKind | "Manifest";
export const IndexedKinds: readonly IndexedKind[] = [...RecordKinds, "Manifest"];

/** A record that is anchored, and its state on this node, as the index had it when it was read. */
export interface IndexedRecord {
  /** The row. */
  readonly id: number;
  readonly contentId: ContentId;
  readonly kind: IndexedKind;
  /** The kind by whose retention it is kept: states, for what joint anchors alone list. */
  readonly rule: IndexedKind;
  /** The accounts that have anchored it, in lower case. */
  readonly authors: ReadonlySet<string>;
  /** The block of the first anchor of it. */
  readonly block: number;
  readonly isHeld: boolean;
  /** Whether this node is to hold it, by the members and rules that were known when it was assigned. */
  readonly isMine: boolean;
  /** Past its retention and not on hold: no node keeps it. */
  readonly isExpired: boolean;
  /** Past its retention, but kept if it is on hold. */
  readonly isPastRetention: boolean;
  /** Failed fetches in a row. */
  readonly failures: number;
}

/** What an anchor says of a record. */
export interface ListedRecord {
  readonly contentId: ContentId;
  readonly kind: IndexedKind;
  /** Whether the anchor is a joint one: then the record is kept as long as states are, unless its author anchors it alone too. */
  readonly isJoint: boolean;
  readonly author: string;
  readonly block: number;
  /** Whether this node has pinned it, and as a replica of so many bytes; undefined if it is no replica. */
  readonly isHeld: boolean;
  readonly replicaBytes?: number | undefined;
}
