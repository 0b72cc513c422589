import { BaseError } from "../errors.js";
import {
  type ContentId,
  encodeRecord,
  type Hex,
  type RecordKind,
  type RecordValue,
  type SignedBatch,
} from "../records/index.js";
import { Journal } from "../utils/journal.js";
import { AgentDefaults } from "./defaults.js";

/** A record that is stored and durable, waiting for its anchor or anchored. */
export interface QueuedRecord {
  readonly kind: RecordKind;
  readonly contentId: ContentId;
  readonly cid: string;
}

/** What an anchored batch left on the chain. */
export interface AnchoredBatch {
  readonly root: Hex;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
  /** The root over many nodes' batches that it was anchored under; absent where it was anchored alone. */
  readonly joint?: JointSeal | undefined;
}

/** A root over many nodes' batches that this node has signed, and until when it may be anchored: chain time, in seconds. */
export interface JointSeal {
  readonly root: Hex;
  readonly deadline: number;
}

/** Records that are set aside to be anchored together with others'. */
export interface Offer {
  /** Of this node's batch. */
  readonly root: Hex;
  readonly records: readonly QueuedRecord[];
  /** What this node has signed with the batch in it; nothing else is signed, and it is not anchored alone, meanwhile. */
  readonly signed: JointSeal | null;
}

/** Whether an anchor is where nothing can take it back, only on the chain as it is now, or not there any more. */
export type Standing = "final" | "waiting" | "gone";

type Entry =
  | ({ readonly type: "queued" } & QueuedRecord)
  | { readonly type: "batch"; readonly contentIds: readonly ContentId[] }
  | { readonly type: "offered"; readonly contentIds: readonly ContentId[]; readonly root: Hex }
  | { readonly type: "signed"; readonly root: Hex; readonly seal: JointSeal }
  | { readonly type: "withdrawn"; readonly root: Hex }
  | { readonly type: "anchored"; readonly contentIds: readonly ContentId[]; readonly batch: AnchoredBatch }
  | { readonly type: "final"; readonly root: Hex };

/** A batch whose anchor may still leave the chain. */
interface Unsettled {
  readonly records: readonly QueuedRecord[];
  readonly batch: AnchoredBatch;
}

/** More records wait for an anchor than the outbox keeps. */
export class OutboxFullError extends BaseError {
  constructor(limit: number) {
    super("outbox-full", `${limit} records already wait for an anchor.`, {
      retryable: true,
      hints: ["The chain has not taken anchors for long: see the agent's status."],
    });
  }
}

export interface OutboxDependencies {
  /** Stores a block durably. */
  readonly put: (bytes: Uint8Array) => Promise<string>;
  /** Anchors exactly these records as one batch, or finds that it is anchored already. */
  readonly anchor: (records: readonly QueuedRecord[]) => Promise<AnchoredBatch>;
  /** Signs exactly these records as one batch, so that others can have it anchored. */
  readonly sign: (records: readonly QueuedRecord[]) => Promise<SignedBatch>;
  /** What the chain says of an anchor now. */
  readonly standingOf: (batch: AnchoredBatch) => Promise<Standing>;
}

/**
 * Records on their way to the chain. A record is acknowledged once its block and its place in the queue are on the
 * disk. A batch is written down before it is sent, so that a crash between sending and knowing leads to the same root,
 * which the chain has at most once. It is watched until its anchor is final: one that a reorganisation takes back is
 * sent again, the same root. What may wait can be set aside instead, for others to anchor with theirs: it is anchored
 * alone only once nothing that this node has signed can be anchored any more.
 */
export class Outbox {
  readonly #journal: Journal<Entry>;
  readonly #dependencies: OutboxDependencies;
  readonly #waiting = new Map<ContentId, QueuedRecord>();
  readonly #anchored = new Map<ContentId, AnchoredBatch>();
  readonly #unsettled = new Map<Hex, Unsettled>();
  /** A batch that was written down and perhaps sent. */
  #pending: readonly ContentId[] | undefined;
  #offered: Offer | undefined;
  #flushing: Promise<AnchoredBatch | undefined> | undefined;
  #reviewing: Promise<readonly AnchoredBatch[]> | undefined;

  private constructor(journal: Journal<Entry>, entries: readonly Entry[], dependencies: OutboxDependencies) {
    this.#journal = journal;
    this.#dependencies = dependencies;
    for (const entry of entries) this.#apply(entry);
  }

  static async open(path: string, dependencies: OutboxDependencies): Promise<Outbox> {
    const { journal, entries } = await Journal.open<Entry>(path);
    return new Outbox(journal, entries, dependencies);
  }

  /** How many records wait for their anchor. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** How many batches have an anchor that may still leave the chain. */
  get unsettled(): number {
    return this.#unsettled.size;
  }

  /** What is set aside to be anchored together with others'. */
  get offered(): Offer | undefined {
    return this.#offered;
  }

  /** The anchor of a record, once it has one. */
  anchorOf(contentId: ContentId): AnchoredBatch | undefined {
    return this.#anchored.get(contentId);
  }

  /** Whether a record's anchor can't be taken back any more, as far as {@link review} has seen. */
  isFinal(contentId: ContentId): boolean {
    const batch = this.#anchored.get(contentId);
    return batch !== undefined && !this.#unsettled.has(batch.root);
  }

  /**
   * Stores a record and queues it for the next anchor; resolves when both are durable. The same record again is the
   * same record.
   *
   * @throws {OutboxFullError} and the errors of {@link encodeRecord}; nothing is queued then.
   */
  async submit<Kind extends RecordKind>(kind: Kind, value: RecordValue<Kind>): Promise<QueuedRecord> {
    const { bytes, cid, contentId } = encodeRecord(kind, value);
    const record: QueuedRecord = { kind, contentId, cid };
    if (this.#waiting.has(contentId) || this.#anchored.has(contentId)) return record;
    if (this.#waiting.size >= AgentDefaults.maxQueuedRecords) throw new OutboxFullError(AgentDefaults.maxQueuedRecords);
    await this.#dependencies.put(bytes);
    if (this.#waiting.has(contentId) || this.#anchored.has(contentId)) return record;
    await this.#write({ type: "queued", ...record });
    return record;
  }

  /** Anchors what waits, oldest first, as one batch; resolves with its anchor, or undefined when nothing waits. */
  flush(): Promise<AnchoredBatch | undefined> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /**
   * Sets the records of a kind that wait aside, as one batch, unless one is set aside already; resolves with what is, or
   * undefined where nothing was new.
   */
  async offer(kind: RecordKind): Promise<Offer | undefined> {
    if (this.#offered !== undefined) return undefined;
    await this.#flushing?.catch(() => undefined);
    const sent = new Set(this.#pending);
    const records = this.#free().filter((record) => record.kind === kind && !sent.has(record.contentId));
    if (records.length === 0 || this.#offered !== undefined) return undefined;
    const { root } = await this.#dependencies.sign(records);
    await this.#write({ type: "offered", contentIds: records.map(({ contentId }) => contentId), root });
    return this.#offered;
  }

  /** The batch that is set aside, signed: the same each time. */
  async signOffered(): Promise<SignedBatch | undefined> {
    return this.#offered && this.#dependencies.sign(this.#offered.records);
  }

  /**
   * Writes down that this node is about to sign what holds its batch; resolves when that is durable, with whether it may:
   * not where the batch is not set aside any more, or it has signed already.
   */
  async noteSigned(root: Hex, seal: JointSeal): Promise<boolean> {
    if (this.#offered?.root !== root || this.#offered.signed !== null) return false;
    // At once: whoever would take it back meanwhile finds it signed.
    this.#offered = { ...this.#offered, signed: seal };
    await this.#write({ type: "signed", root, seal });
    return true;
  }

  /** What was set aside has its anchor. */
  async noteAnchored({ joint, ...batch }: Omit<AnchoredBatch, "joint"> & { readonly joint?: Hex }): Promise<void> {
    const offered = this.#offered;
    if (offered?.root !== batch.root) return;
    const { signed } = offered;
    const deadline = signed !== null && signed.root === joint ? signed.deadline : 0;
    const contentIds = offered.records.map(({ contentId }) => contentId);
    const seal = joint === undefined ? {} : { joint: { root: joint, deadline } };
    await this.#write({ type: "anchored", contentIds, batch: { ...batch, ...seal } });
  }

  /**
   * What was set aside waits for the next anchor like everything else; for when nothing signed can be anchored. Resolves
   * with whether it does: not where something has happened to it since it was `seen`.
   */
  async withdraw(seen: Offer): Promise<boolean> {
    if (this.#offered !== seen) return false;
    // At once: nothing is signed meanwhile.
    this.#offered = undefined;
    await this.#write({ type: "withdrawn", root: seen.root });
    return true;
  }

  /** Anchors until nothing waits of what was submitted before the call, and is not set aside. */
  async settle(): Promise<void> {
    const submitted = this.#free().map(({ contentId }) => contentId);
    while (submitted.some((contentId) => this.#waiting.has(contentId))) await this.flush();
  }

  /**
   * Looks at the anchors that may still leave the chain: what is final is looked at no more, and what is gone is
   * anchored again. Resolves with the batches that were.
   */
  review(): Promise<readonly AnchoredBatch[]> {
    this.#reviewing ??= this.#review().finally(() => {
      this.#reviewing = undefined;
    });
    return this.#reviewing;
  }

  async close(): Promise<void> {
    await this.#flushing?.catch(() => undefined);
    await this.#reviewing?.catch(() => undefined);
    await this.#journal.close();
  }

  async #review(): Promise<readonly AnchoredBatch[]> {
    const again: AnchoredBatch[] = [];
    for (const { records, batch } of [...this.#unsettled.values()]) {
      const standing = await this.#dependencies.standingOf(batch);
      if (standing === "final") await this.#write({ type: "final", root: batch.root });
      if (standing !== "gone") continue;
      const contentIds = records.map(({ contentId }) => contentId);
      const anchored = await this.#dependencies.anchor(records);
      await this.#write({ type: "anchored", contentIds, batch: anchored });
      again.push(anchored);
    }
    return again;
  }

  async #write(entry: Entry): Promise<void> {
    await this.#journal.append(entry);
    this.#apply(entry);
  }

  async #flush(): Promise<AnchoredBatch | undefined> {
    if (this.#pending === undefined) {
      const contentIds = this.#free()
        .slice(0, AgentDefaults.maxBatchRecords)
        .map(({ contentId }) => contentId);
      if (contentIds.length === 0) return undefined;
      await this.#write({ type: "batch", contentIds });
    }
    const contentIds = this.#pending ?? [];
    const records = contentIds
      .map((contentId) => this.#waiting.get(contentId))
      .filter((record) => record !== undefined);
    const batch = await this.#dependencies.anchor(records);
    await this.#write({ type: "anchored", contentIds, batch });
    return batch;
  }

  #queued(contentIds: readonly ContentId[]): QueuedRecord[] {
    return contentIds.flatMap((contentId) => this.#waiting.get(contentId) ?? []);
  }

  /** What waits and is not set aside. */
  #free(): QueuedRecord[] {
    const aside = new Set(this.#offered?.records.map(({ contentId }) => contentId));
    return [...this.#waiting.values()].filter(({ contentId }) => !aside.has(contentId));
  }

  #apply(entry: Entry): void {
    switch (entry.type) {
      case "queued":
        this.#waiting.set(entry.contentId, { kind: entry.kind, contentId: entry.contentId, cid: entry.cid });
        return;
      case "batch":
        this.#pending = entry.contentIds;
        return;
      case "offered":
        this.#offered = { root: entry.root, records: this.#queued(entry.contentIds), signed: null };
        return;
      case "signed":
        if (this.#offered?.root === entry.root) this.#offered = { ...this.#offered, signed: entry.seal };
        return;
      case "withdrawn":
        if (this.#offered?.root === entry.root) this.#offered = undefined;
        return;
      case "anchored":
        this.#settle(entry.contentIds, entry.batch);
        return;
      case "final":
        this.#unsettled.delete(entry.root);
    }
  }

  #settle(contentIds: readonly ContentId[], batch: AnchoredBatch): void {
    const before = this.#unsettled.get(batch.root)?.records;
    const records = this.#queued(contentIds);
    // Of a batch that is anchored again nothing waits, and another may be pending.
    if (this.#offered?.root === batch.root) this.#offered = undefined;
    else if (before === undefined) this.#pending = undefined;
    this.#unsettled.set(batch.root, { records: before ?? records, batch });
    for (const contentId of contentIds) {
      this.#waiting.delete(contentId);
      this.#anchored.set(contentId, batch);
    }
  }
}
