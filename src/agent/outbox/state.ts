import type { ContentId, Hex, RecordKind } from "../../records/index.js";

/** Final anchors that are remembered, so that their records are not anchored again. */
const MAX_REMEMBERED = 10_000;

/** A record that is stored and durable, waiting for its anchor or anchored. */
export interface QueuedRecord {
  readonly kind: RecordKind;
  readonly contentId: ContentId;
  readonly cid: string;
}

/** The anchor of a batch. */
export interface OutboxAnchor {
  readonly root: Hex;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
  /** The joint anchor that it is under; undefined if it was anchored alone. */
  readonly joint?: JointSeal | undefined;
}

/** A joint anchor that this node has signed under its index, and until when it may be anchored: chain time, in seconds. */
export interface JointSeal {
  /** The registry's `jointDigest`. */
  readonly id: Hex;
  readonly index: number;
  readonly deadline: number;
}

/** Records that are offered to be anchored together with those of other nodes. */
export interface Offer {
  /** The root of this node's batch. */
  readonly root: Hex;
  readonly records: readonly QueuedRecord[];
  /**
   * The joint root over the batch that this node has signed; null before it signs. Until that root expires, the node signs
   * no other and does not anchor the batch alone.
   */
  readonly signed: JointSeal | null;
}

/** The newest State that was queued. */
export interface NewestState {
  readonly contentId: ContentId;
  /** When it was queued, in milliseconds since 1970. */
  readonly at: number;
}

/** A line of the outbox's journal. `at` is in milliseconds since 1970; journals of earlier versions have none. */
export type OutboxEntry =
  | ({ readonly type: "queued"; readonly at?: number } & QueuedRecord)
  | { readonly type: "batch"; readonly contentIds: readonly ContentId[] }
  | { readonly type: "offered"; readonly contentIds: readonly ContentId[]; readonly root: Hex }
  | { readonly type: "signed"; readonly root: Hex; readonly seal: JointSeal }
  | { readonly type: "withdrawn"; readonly root: Hex }
  | {
      readonly type: "anchored";
      readonly contentIds: readonly ContentId[];
      readonly batch: OutboxAnchor;
      readonly at?: number;
    }
  | { readonly type: "final"; readonly root: Hex }
  /** What a shortened journal says of entries that it has no more. */
  | { readonly type: "newest"; readonly state?: NewestState; readonly anchoredAt?: number };

const required: Readonly<Record<OutboxEntry["type"], readonly string[]>> = {
  queued: ["kind", "contentId", "cid"],
  batch: ["contentIds"],
  offered: ["contentIds", "root"],
  signed: ["root", "seal"],
  withdrawn: ["root"],
  anchored: ["contentIds", "batch"],
  final: ["root"],
  newest: [],
};

/** A line of the outbox's journal, as far as its fields are there. @throws TypeError for anything else, such as a line of another journal. */
export function parseOutboxEntry(value: unknown): OutboxEntry {
  const entry = value as OutboxEntry;
  const fields = required[entry?.type];
  if (fields === undefined || fields.some((field) => !(field in entry)))
    throw new TypeError("It is no entry of an outbox.");
  return entry;
}

/** A batch whose anchor is not final. */
export interface UnsettledBatch {
  readonly records: readonly QueuedRecord[];
  readonly batch: OutboxAnchor;
}

/** The state of an outbox: its journal's entries, applied one after another. */
export class OutboxState {
  readonly waiting = new Map<ContentId, QueuedRecord>();
  readonly anchored = new Map<ContentId, OutboxAnchor>();
  readonly unsettled = new Map<Hex, UnsettledBatch>();
  /** The batch that is journalled and may have been sent; undefined between batches. */
  pending: readonly ContentId[] | undefined;
  offered: Offer | undefined;
  newestState: NewestState | undefined;
  /** When a batch was anchored last, in milliseconds since 1970. */
  anchoredAt: number | undefined;

  /** The waiting records among these. */
  queued(contentIds: readonly ContentId[]): QueuedRecord[] {
    return contentIds.flatMap((contentId) => this.waiting.get(contentId) ?? []);
  }

  /** The waiting records that are not offered. */
  free(): QueuedRecord[] {
    const aside = new Set(this.offered?.records.map(({ contentId }) => contentId));
    return [...this.waiting.values()].filter(({ contentId }) => !aside.has(contentId));
  }

  apply(entry: OutboxEntry): void {
    switch (entry.type) {
      case "queued":
        this.waiting.set(entry.contentId, { kind: entry.kind, contentId: entry.contentId, cid: entry.cid });
        if (entry.kind === "State" && entry.at !== undefined)
          this.newestState = { contentId: entry.contentId, at: entry.at };
        return;
      case "batch":
        this.pending = entry.contentIds;
        return;
      case "offered":
        this.offered = { root: entry.root, records: this.queued(entry.contentIds), signed: null };
        return;
      case "signed":
        if (this.offered?.root === entry.root) this.offered = { ...this.offered, signed: entry.seal };
        return;
      case "withdrawn":
        if (this.offered?.root === entry.root) this.offered = undefined;
        return;
      case "anchored":
        this.#settle(entry.contentIds, entry.batch);
        this.anchoredAt = entry.at ?? this.anchoredAt;
        return;
      case "final":
        this.#finish(entry.root);
        return;
      case "newest":
        this.newestState = entry.state;
        this.anchoredAt = entry.anchoredAt;
    }
  }

  #settle(contentIds: readonly ContentId[], batch: OutboxAnchor): void {
    const before = this.unsettled.get(batch.root)?.records;
    const records = this.queued(contentIds);
    // A batch that is anchored again has no waiting records, and another batch may be pending.
    if (this.offered?.root === batch.root) this.offered = undefined;
    else if (before === undefined) this.pending = undefined;
    this.unsettled.set(batch.root, { records: before ?? records, batch });
    for (const contentId of contentIds) {
      this.waiting.delete(contentId);
      this.anchored.set(contentId, batch);
    }
  }

  /** Forgets the anchors of states at once, since states are never submitted again; of other records the oldest, beyond a bound. */
  #finish(root: Hex): void {
    const settled = this.unsettled.get(root);
    this.unsettled.delete(root);
    for (const { contentId, kind } of settled?.records ?? []) if (kind === "State") this.anchored.delete(contentId);
    for (const [contentId, batch] of this.anchored) {
      if (this.anchored.size <= MAX_REMEMBERED) return;
      if (!this.unsettled.has(batch.root)) this.anchored.delete(contentId);
    }
  }

  /** The fewest entries that lead to the same state. */
  entries(): OutboxEntry[] {
    const entries: OutboxEntry[] = [];
    const { anchoredAt, newestState: state } = this;
    if (state !== undefined || anchoredAt !== undefined) {
      entries.push({
        type: "newest",
        ...(state === undefined ? {} : { state }),
        ...(anchoredAt === undefined ? {} : { anchoredAt }),
      });
    }
    const final = new Map<OutboxAnchor, ContentId[]>();
    for (const [contentId, batch] of this.anchored) {
      if (this.unsettled.has(batch.root)) continue;
      final.set(batch, [...(final.get(batch) ?? []), contentId]);
    }
    for (const [batch, contentIds] of final) {
      entries.push({ type: "anchored", contentIds, batch }, { type: "final", root: batch.root });
    }
    for (const { batch, records } of this.unsettled.values()) {
      entries.push(...records.map((record) => ({ type: "queued", ...record }) as const));
      entries.push({ type: "anchored", contentIds: records.map(({ contentId }) => contentId), batch });
    }
    entries.push(...[...this.waiting.values()].map((record) => ({ type: "queued", ...record }) as const));
    if (this.pending !== undefined) entries.push({ type: "batch", contentIds: this.pending });
    if (this.offered !== undefined) {
      const { records, root, signed } = this.offered;
      entries.push({ type: "offered", contentIds: records.map(({ contentId }) => contentId), root });
      if (signed !== null) entries.push({ type: "signed", root, seal: signed });
    }
    return entries;
  }
}
