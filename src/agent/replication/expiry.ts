import { messageOf } from "../../errors.js";
import { isExpired, type RetentionRules } from "../../policy/index.js";
import type { ContentId } from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";
import type { PastBlocks } from "./index/anchorBacklog.js";
import { IndexedKinds, type IndexedRecord } from "./index/indexedRecord.js";
import type { RecordIndex } from "./index/recordIndex.js";
import type { RetentionReader, RetentionTerms } from "./retentionReader.js";

/** Records unpinned in one tick, so that the tick ends before others take this node for absent. */
const MAX_PER_TICK = 1_000;
/** Records of one kind marked or forgotten in one tick. */
const MAX_MARKED = 5_000;

export interface ExpiryDependencies {
  readonly index: RecordIndex;
  readonly retention: RetentionReader;
  readonly logger: Logger;
}

/** Decides which records have expired, by the rules of retention and the final blocks of the chain. */
export class Expiry {
  readonly #dependencies: ExpiryDependencies;
  #terms: RetentionTerms | undefined;
  /** Whether the last reading of terms and holds succeeded. */
  #areTermsKnown = false;
  #isHoldUnlisted = false;

  constructor(dependencies: ExpiryDependencies) {
    this.#dependencies = dependencies;
  }

  /** As they were read last; before the first reading the defaults. */
  get rules(): RetentionRules {
    return this.#dependencies.retention.rules;
  }

  /** Whether the voted terms are known as of this tick; if not, nothing is unpinned. */
  get areTermsKnown(): boolean {
    return this.#areTermsKnown;
  }

  /** The newest blocks all of whose records are past their retention; -1 if no block is. */
  get pastBlocks(): PastBlocks {
    return { all: this.#terms?.lastAllPastBlock ?? -1, joint: this.#terms?.lastPastBlock.State ?? -1 };
  }

  /** Whether a record is on hold that no manifest read so far lists. */
  get isHoldUnlisted(): boolean {
    return this.#isHoldUnlisted;
  }

  /** Reads the voted terms. If that fails the last ones stay in force, and nothing is unpinned. */
  async refresh(): Promise<void> {
    try {
      this.#terms = await this.#dependencies.retention.read();
      this.#areTermsKnown = true;
    } catch (error) {
      this.#noteFailure(error);
    }
  }

  /** Marks the records that have expired, and returns those to unpin now: held ones, a bounded number. */
  async mark(): Promise<IndexedRecord[]> {
    const { index } = this.#dependencies;
    if (this.#terms === undefined || !this.#areTermsKnown) return [];
    const terms = this.#terms;
    const isAnyPast = Object.values(terms.lastPastBlock).some((block) => block >= 0);
    if (!isAnyPast && !index.rows.hasPast()) return [];
    try {
      for (const [rule, kind] of IndexedKinds.entries()) {
        const upTo = kind === "Manifest" ? terms.lastAllPastBlock : terms.lastPastBlock[kind];
        index.rows.markPast(rule, upTo, MAX_MARKED);
      }
      const onHold = await this.#readHolds(terms);
      // A manifest is kept while it may list a record that must be kept: a node without the manifest could not tell.
      index.rows.markExpired(onHold, MAX_MARKED);
      index.forget(terms.lastForgottenBlock, MAX_MARKED);
      return await this.#collectDue(terms, onHold);
    } catch (error) {
      this.#noteFailure(error);
      return [];
    }
  }

  async #readHolds(terms: RetentionTerms): Promise<ReadonlySet<ContentId>> {
    const { index } = this.#dependencies;
    const isAnyPast = Object.values(terms.lastPastBlock).some((block) => block >= 0);
    const onHold = isAnyPast
      ? await terms.readHolds((contentId) => index.find(contentId)?.isPastRetention ?? true)
      : new Set<never>();
    this.#isHoldUnlisted = [...onHold].some((contentId) => index.find(contentId) === undefined);
    return onHold;
  }

  /** The expired records that are held here, each checked once more against the time of its own block. */
  async #collectDue(terms: RetentionTerms, onHold: ReadonlySet<ContentId>): Promise<IndexedRecord[]> {
    const due: IndexedRecord[] = [];
    // A manifest is unpinned after its records: a node that stops in between finds the remaining ones by it.
    for (const record of this.#dependencies.index.rows.toUnpin(MAX_PER_TICK)) {
      const { block, contentId, rule } = record;
      if (rule === "Manifest") {
        due.push(record);
        continue;
      }
      const anchored = { kind: rule, contentId, anchoredAt: await terms.timeOf(block) };
      if (isExpired({ record: anchored, now: terms.now, rules: terms.rules, exempt: onHold })) due.push(record);
    }
    return due;
  }

  #noteFailure(error: unknown): void {
    if (this.#areTermsKnown) {
      this.#dependencies.logger.warn("nothing is unpinned: the voted retention cannot be read", {
        reason: messageOf(error),
      });
    }
    this.#areTermsKnown = false;
  }
}
