import { messageOf } from "../../errors.js";
import { isExpired, type RetentionRules } from "../../policy/index.js";
import type { ContentId } from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";
import type { IndexedRecord, RecordIndex } from "./recordIndex.js";
import type { RetentionReader, RetentionTerms } from "./retentionReader.js";

/** Let go of in one look: a look must end soon enough for others to hear of this node. */
const MAX_AT_ONCE = 1_000;

export interface ExpiryParameters {
  readonly book: RecordIndex;
  readonly terms: RetentionReader;
  readonly logger: Logger;
}

/** Which records have had their time, by what was voted and what the chain says is final. */
export class Expiry {
  readonly #parameters: ExpiryParameters;
  #terms: RetentionTerms | undefined;
  /** Whether the terms could be read the last time, and what is exempt with them. */
  #isKnown = false;
  #seeksMore = false;

  constructor(parameters: ExpiryParameters) {
    this.#parameters = parameters;
  }

  /** As they were read last; the defaults before. */
  get rules(): RetentionRules {
    return this.#parameters.terms.rules;
  }

  /** Whether what was voted is known as of this look: else nothing is let go of. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** The newest block of which nothing but what is exempt is kept; -1 where there is none. */
  get allPastBlock(): number {
    return this.#terms?.allPastBlock ?? -1;
  }

  /** Whether something is exempt that is in no list that was read. */
  get seeksMore(): boolean {
    return this.#seeksMore;
  }

  /** Reads what was voted. Where it cannot be read, what was known holds, and nothing is let go of. */
  async follow(): Promise<void> {
    try {
      this.#terms = await this.#parameters.terms.read();
      this.#isKnown = true;
    } catch (error) {
      this.#distrust(error);
    }
  }

  /** Marks what has expired, and gives what of it is held here, some at a time. */
  async mark(): Promise<IndexedRecord[]> {
    const { book } = this.#parameters;
    if (this.#terms === undefined || !this.#isKnown) return [];
    const terms = this.#terms;
    const records = [...book.records()];
    try {
      for (const record of records) {
        const { block, kind } = record;
        record.past = block <= (kind === "Manifest" ? terms.allPastBlock : terms.pastBlock[kind]);
      }
      const exempt = await this.#exempt(terms);
      for (const record of records) record.expired = record.past && !isList(record) && !exempt.has(record.contentId);
      // A list is kept for as long as something may be in it that a node which cannot read it would have to keep.
      for (const record of records.filter(isList)) {
        record.expired = record.past && [...record.leaves].every(({ expired }) => expired);
      }
      return await this.#due(records, terms, exempt);
    } catch (error) {
      this.#distrust(error);
      return [];
    }
  }

  async #exempt(terms: RetentionTerms): Promise<ReadonlySet<ContentId>> {
    const { book } = this.#parameters;
    const isAnyPast = Object.values(terms.pastBlock).some((block) => block >= 0);
    const exempt = isAnyPast ? await terms.exempt((contentId) => book.find(contentId)?.past ?? true) : new Set<never>();
    this.#seeksMore = [...exempt].some((contentId) => book.find(contentId) === undefined);
    return exempt;
  }

  /** What has expired and is held here, each looked at once more by the time of its own block. */
  async #due(
    records: readonly IndexedRecord[],
    terms: RetentionTerms,
    exempt: ReadonlySet<ContentId>,
  ): Promise<IndexedRecord[]> {
    const due: IndexedRecord[] = [];
    for (const record of records) {
      if (due.length === MAX_AT_ONCE) break;
      if (!record.expired || !record.held) continue;
      // A list goes after what it names: whoever is stopped in between finds the rest by it.
      const { block, contentId, kind } = record;
      if (kind === "Manifest") {
        if (![...record.leaves].some(({ held }) => held)) due.push(record);
        continue;
      }
      const anchored = { kind, contentId, anchoredAt: await terms.timeOf(block) };
      if (isExpired({ record: anchored, now: terms.now, rules: terms.rules, exempt })) due.push(record);
    }
    return due;
  }

  #distrust(error: unknown): void {
    if (this.#isKnown) {
      this.#parameters.logger.warn("nothing is let go of: what was voted cannot be read", { reason: messageOf(error) });
    }
    this.#isKnown = false;
  }
}

function isList({ kind }: IndexedRecord): boolean {
  return kind === "Manifest";
}
