import PQueue from "p-queue";
import { BaseError } from "../../errors.js";
import {
  type ContentId,
  type EncodedRecord,
  encodeRecord,
  type Hex,
  type RecordKind,
  type RecordValue,
  type SignedBatch,
} from "../../records/index.js";
import { type Clock, systemClock } from "../../utils/clock.js";
import { Journal, type JournalError } from "../../utils/journal.js";
import { AgentDefaults } from "../defaults.js";
import {
  type JointSeal,
  type NewestState,
  type Offer,
  type OutboxAnchor,
  type OutboxEntry,
  OutboxState,
  parseOutboxEntry,
  type QueuedRecord,
  type UnsettledBatch,
} from "./state.js";

/** Whether an anchor is final, can still be removed by a reorganisation, or is no longer on the chain. */
export type AnchorStanding = "final" | "waiting" | "gone";

/** A journal of fewer lines, a few hundred KB, is not rewritten. */
const SHORTEN_AFTER = 2_000;

/** So many records wait for an anchor that the outbox takes no more. */
export class OutboxFullError extends BaseError {
  constructor(limit: number) {
    super("outbox-full", `${limit} records already wait for an anchor.`, {
      retryable: true,
      hints: ["The chain has accepted no anchor for a long time: see lastError in the agent's /status."],
    });
  }
}

export interface OutboxDependencies {
  /** Stores a block durably. */
  readonly put: (bytes: Uint8Array) => Promise<string>;
  /** Anchors exactly these records as one batch, or finds that it is anchored already. */
  readonly anchor: (records: readonly QueuedRecord[]) => Promise<OutboxAnchor>;
  /** Signs exactly these records as one batch, so that others can have it anchored. */
  readonly sign: (records: readonly QueuedRecord[]) => Promise<SignedBatch>;
  /** What the chain says of an anchor now. */
  readonly standingOf: (batch: OutboxAnchor) => Promise<AnchorStanding>;
  /** The system's clock by default. */
  readonly clock?: Pick<Clock, "now"> | undefined;
  /** Called with an error after which all goes on: the journal could not be shortened, or one of several anchors not reviewed. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Called with why lines of the journal cannot be read. */
  readonly onDamage?: ((damage: JournalError) => void) | undefined;
}

/**
 * Records on their way to the chain. A record is acknowledged once its block and its place in the queue are on the
 * disk. A batch is journalled before it is sent: after a crash the same root is sent again, and the chain accepts a root
 * only once. The batch is watched until its anchor is final: if a reorganisation removes the anchor, the same root is
 * sent again. Records that are not urgent can be offered instead, to be anchored with those of other nodes. This node
 * anchors offered records alone only after every joint root that it signed over them has expired.
 */
export class Outbox {
  readonly #journal: Journal<OutboxEntry>;
  readonly #dependencies: OutboxDependencies;
  readonly #state = new OutboxState();
  readonly #shortenAfter: number;
  /** Lines in the journal. */
  #lines: number;
  /** The journal is shortened once it has this many lines, if half of them are obsolete. */
  #shortenAt: number;
  readonly #queue = new PQueue({ concurrency: 1 });
  #flushing: Promise<OutboxAnchor | undefined> | undefined;
  #reviewing: Promise<readonly OutboxAnchor[]> | undefined;

  private constructor(
    { journal, entries }: Awaited<ReturnType<typeof Journal.open<OutboxEntry>>>,
    dependencies: OutboxDependencies,
    shortenAfter: number,
  ) {
    this.#journal = journal;
    this.#dependencies = dependencies;
    this.#shortenAfter = shortenAfter;
    this.#lines = entries.length;
    this.#shortenAt = shortenAfter;
    for (const entry of entries) this.#state.apply(entry);
  }

  /**
   * A damaged journal goes on with the lines that can be read. What the others told is lost to it: records that were not
   * anchored stay unanchored, and a batch may be anchored twice, which the chain takes for once.
   *
   * @param shortenAfter A journal of fewer lines is left as it is.
   */
  static async open(path: string, dependencies: OutboxDependencies, shortenAfter = SHORTEN_AFTER): Promise<Outbox> {
    const opened = await Journal.openOrSalvage(path, parseOutboxEntry);
    if (opened.damage !== undefined) dependencies.onDamage?.(opened.damage);
    return new Outbox(opened, dependencies, shortenAfter);
  }

  /** How many records wait for their anchor. */
  get waiting(): number {
    return this.#state.waiting.size;
  }

  /** Whether a record other than a state waits for its anchor: a joint anchor is for states alone. */
  get hasEvidence(): boolean {
    return [...this.#state.waiting.values()].some(({ kind }) => kind !== "State");
  }

  /** How many batches have an anchor that is not final. */
  get unsettled(): number {
    return this.#state.unsettled.size;
  }

  /** The batch that is offered to be anchored with those of other nodes; undefined if nothing is offered. */
  get offered(): Offer | undefined {
    return this.#state.offered;
  }

  /** The newest State that was queued, also before a restart; undefined if there was none. */
  get newestState(): NewestState | undefined {
    return this.#state.newestState;
  }

  /** When a batch was anchored last, also before a restart, in milliseconds since 1970; undefined if none was. */
  get anchoredAt(): number | undefined {
    return this.#state.anchoredAt;
  }

  /** The anchor of a record; undefined before it has one, and for a state whose anchor is final. */
  anchorOf(contentId: ContentId): OutboxAnchor | undefined {
    return this.#state.anchored.get(contentId);
  }

  /**
   * Stores a record and queues it for the next anchor; resolves when both are durable. A record that was submitted before
   * is not queued again.
   *
   * @throws {OutboxFullError} and the errors of {@link encodeRecord}; nothing is queued then.
   */
  async submit<Kind extends RecordKind>(kind: Kind, value: RecordValue<Kind>): Promise<QueuedRecord> {
    return this.enqueue(encodeRecord(kind, value));
  }

  /** As {@link submit}, for a record that is encoded already. */
  async enqueue({ bytes, cid, contentId, kind }: EncodedRecord): Promise<QueuedRecord> {
    const record: QueuedRecord = { kind, contentId, cid };
    if (this.#state.waiting.has(contentId) || this.#state.anchored.has(contentId)) return record;
    if (this.#state.waiting.size >= AgentDefaults.maxQueuedRecords)
      throw new OutboxFullError(AgentDefaults.maxQueuedRecords);
    await this.#dependencies.put(bytes);
    if (this.#state.waiting.has(contentId) || this.#state.anchored.has(contentId)) return record;
    await this.#write({ type: "queued", at: this.#now(), ...record });
    return record;
  }

  /** Anchors the oldest waiting records as one batch; resolves with its anchor, or undefined if none waits. */
  flush(): Promise<OutboxAnchor | undefined> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /**
   * Offers the oldest waiting records of a kind as one batch; resolves with the offer, or undefined if no such record waits or a
   * batch is offered already.
   */
  async offer(kind: RecordKind): Promise<Offer | undefined> {
    if (this.#state.offered !== undefined) return undefined;
    await this.#flushing?.catch(() => undefined);
    const sent = new Set(this.#state.pending);
    const records = this.#state
      .free()
      .filter((record) => record.kind === kind && !sent.has(record.contentId))
      .slice(0, AgentDefaults.maxBatchRecords);
    if (records.length === 0 || this.#state.offered !== undefined) return undefined;
    const { root } = await this.#dependencies.sign(records);
    await this.#write({ type: "offered", contentIds: records.map(({ contentId }) => contentId), root });
    return this.#state.offered;
  }

  /** The offered batch with this node's signature, the same each time; undefined if nothing is offered. */
  async signOffered(): Promise<SignedBatch | undefined> {
    return this.#state.offered && this.#dependencies.sign(this.#state.offered.records);
  }

  /**
   * Journals that this node is about to sign a root over its offered batch. Resolves when that is durable: with true if the
   * node may sign, with false if the batch is no longer offered or the node has signed a root over it already.
   */
  async noteSigned(root: Hex, seal: JointSeal): Promise<boolean> {
    if (this.#state.offered?.root !== root || this.#state.offered.signed !== null) return false;
    // Set before the write: a withdrawal in the meantime must find the batch signed.
    this.#state.offered = { ...this.#state.offered, signed: seal };
    await this.#write({ type: "signed", root, seal });
    return true;
  }

  /** Journals the anchor of the offered batch. */
  async noteAnchored({
    joint,
    ...batch
  }: Omit<OutboxAnchor, "joint"> & { readonly joint?: Omit<JointSeal, "deadline"> }): Promise<void> {
    const offered = this.#state.offered;
    if (offered?.root !== batch.root) return;
    const { signed } = offered;
    const deadline = signed !== null && signed.id === joint?.id ? signed.deadline : 0;
    const contentIds = offered.records.map(({ contentId }) => contentId);
    const seal = joint === undefined ? {} : { joint: { ...joint, deadline } };
    await this.#write({ type: "anchored", contentIds, batch: { ...batch, ...seal }, at: this.#now() });
  }

  /**
   * Withdraws an offer, so that its records wait for the next anchor like all others. The caller makes sure that every joint
   * root signed over it has expired. Resolves with false, and does nothing, if the offer has changed since it was `seen`.
   */
  async withdraw(seen: Offer): Promise<boolean> {
    if (this.#state.offered !== seen) return false;
    // Set before the write: nothing may be signed in the meantime.
    this.#state.offered = undefined;
    await this.#write({ type: "withdrawn", root: seen.root });
    return true;
  }

  /** Anchors all records that were submitted before the call and are not offered. */
  async settle(): Promise<void> {
    const submitted = this.#state.free().map(({ contentId }) => contentId);
    while (submitted.some((contentId) => this.#state.waiting.has(contentId))) await this.flush();
  }

  /**
   * Checks the anchors that are not final: a batch whose anchor has left the chain is anchored again. Resolves with those
   * batches.
   */
  review(): Promise<readonly OutboxAnchor[]> {
    this.#reviewing ??= this.#review().finally(() => {
      this.#reviewing = undefined;
    });
    return this.#reviewing;
  }

  async close(): Promise<void> {
    await this.#flushing?.catch(() => undefined);
    await this.#reviewing?.catch(() => undefined);
    await this.#queue.add(() => this.#journal.close());
  }

  async #review(): Promise<readonly OutboxAnchor[]> {
    const again: OutboxAnchor[] = [];
    const failures: unknown[] = [];
    for (const unsettled of [...this.#state.unsettled.values()]) {
      try {
        const anchored = await this.#reviewBatch(unsettled);
        if (anchored !== undefined) again.push(anchored);
      } catch (error) {
        // One batch of which nothing can be said must not keep the others from being sent again.
        failures.push(error);
      }
    }
    // What was sent again is reported; what failed is reviewed again the next time.
    if (failures.length > 0 && again.length === 0) throw failures[0];
    for (const failure of failures) this.#dependencies.onError?.(failure);
    return again;
  }

  /** Resolves with the batch's new anchor if it had left the chain. */
  async #reviewBatch({ records, batch }: UnsettledBatch): Promise<OutboxAnchor | undefined> {
    const standing = await this.#dependencies.standingOf(batch);
    if (standing === "final") await this.#write({ type: "final", root: batch.root });
    if (standing !== "gone") return undefined;
    const contentIds = records.map(({ contentId }) => contentId);
    const anchored = await this.#dependencies.anchor(records);
    await this.#write({ type: "anchored", contentIds, batch: anchored, at: this.#now() });
    return anchored;
  }

  /** Writes one entry at a time, so that journal and state agree after each. */
  async #write(entry: OutboxEntry): Promise<void> {
    await this.#queue.add(async () => {
      await this.#journal.append(entry);
      this.#state.apply(entry);
      this.#lines += 1;
    });
    void this.#queue.add(() => this.#shorten());
  }

  /** Rewrites the journal without obsolete entries if they are half of it. A failure is reported; the next write tries again. */
  async #shorten(): Promise<void> {
    if (this.#lines < this.#shortenAt) return;
    const entries = this.#state.entries();
    try {
      if (this.#lines >= 2 * entries.length) {
        await this.#journal.replace(entries);
        this.#lines = entries.length;
      }
      this.#shortenAt = Math.max(this.#shortenAfter, 2 * this.#lines);
    } catch (error) {
      this.#dependencies.onError?.(error);
    }
  }

  async #flush(): Promise<OutboxAnchor | undefined> {
    if (this.#state.pending === undefined) {
      const contentIds = this.#state
        .free()
        .slice(0, AgentDefaults.maxBatchRecords)
        .map(({ contentId }) => contentId);
      if (contentIds.length === 0) return undefined;
      await this.#write({ type: "batch", contentIds });
    }
    const contentIds = this.#state.pending ?? [];
    const records = contentIds
      .map((contentId) => this.#state.waiting.get(contentId))
      .filter((record) => record !== undefined);
    const batch = await this.#dependencies.anchor(records);
    await this.#write({ type: "anchored", contentIds, batch, at: this.#now() });
    return batch;
  }

  #now(): number {
    return (this.#dependencies.clock ?? systemClock).now();
  }
}
