import { BaseError } from "../errors.js";
import { type ContentId, encodeRecord, type RecordKind, type RecordValue } from "../records/index.js";
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
  readonly root: string;
  readonly transactionHash: string;
}

type Entry =
  | ({ readonly type: "queued" } & QueuedRecord)
  | { readonly type: "batch"; readonly contentIds: readonly ContentId[] }
  | { readonly type: "anchored"; readonly contentIds: readonly ContentId[]; readonly batch: AnchoredBatch };

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
}

/**
 * Records on their way to the chain. A record is acknowledged once its block and its place in the queue are on the
 * disk. A batch is written down before it is sent, so that a crash between sending and knowing leads to the same root,
 * which the chain has at most once.
 */
export class Outbox {
  readonly #journal: Journal<Entry>;
  readonly #dependencies: OutboxDependencies;
  readonly #waiting = new Map<ContentId, QueuedRecord>();
  readonly #anchored = new Map<ContentId, AnchoredBatch>();
  /** A batch that was written down and perhaps sent. */
  #pending: readonly ContentId[] | undefined;
  #flushing: Promise<AnchoredBatch | undefined> | undefined;

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

  /** The anchor of a record, once it has one. */
  anchorOf(contentId: ContentId): AnchoredBatch | undefined {
    return this.#anchored.get(contentId);
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
    const entry: Entry = { type: "queued", ...record };
    await this.#journal.append(entry);
    this.#apply(entry);
    return record;
  }

  /** Anchors what waits, oldest first, as one batch; resolves with its anchor, or undefined when nothing waits. */
  flush(): Promise<AnchoredBatch | undefined> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /** Anchors until nothing waits of what was submitted before the call. */
  async settle(): Promise<void> {
    const submitted = [...this.#waiting.keys()];
    while (submitted.some((contentId) => this.#waiting.has(contentId))) await this.flush();
  }

  async close(): Promise<void> {
    await this.#flushing?.catch(() => undefined);
    await this.#journal.close();
  }

  async #flush(): Promise<AnchoredBatch | undefined> {
    if (this.#pending === undefined) {
      if (this.#waiting.size === 0) return undefined;
      const contentIds = [...this.#waiting.keys()].slice(0, AgentDefaults.maxBatchRecords);
      const entry: Entry = { type: "batch", contentIds };
      await this.#journal.append(entry);
      this.#apply(entry);
    }
    const contentIds = this.#pending ?? [];
    const records = contentIds
      .map((contentId) => this.#waiting.get(contentId))
      .filter((record) => record !== undefined);
    const batch = await this.#dependencies.anchor(records);
    const entry: Entry = { type: "anchored", contentIds, batch };
    await this.#journal.append(entry);
    this.#apply(entry);
    return batch;
  }

  #apply(entry: Entry): void {
    switch (entry.type) {
      case "queued":
        this.#waiting.set(entry.contentId, { kind: entry.kind, contentId: entry.contentId, cid: entry.cid });
        return;
      case "batch":
        this.#pending = entry.contentIds;
        return;
      case "anchored":
        this.#pending = undefined;
        for (const contentId of entry.contentIds) {
          this.#waiting.delete(contentId);
          this.#anchored.set(contentId, entry.batch);
        }
    }
  }
}
