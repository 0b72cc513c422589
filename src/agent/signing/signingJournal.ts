import { Journal } from "../../utils/journal.js";

export interface SigningJournalParameters<Entry> {
  /** What there is one entry of. */
  readonly keyOf: (entry: Entry) => string;
  /** Whether two entries of one key say the same. */
  readonly alike: (recorded: Entry, wanted: Entry) => boolean;
  /** What an attempt to record another entry is refused with. */
  readonly refusal: (recorded: Entry, wanted: Entry) => Error;
}

/**
 * Check and record before signing: what a node says is on the disk before its signature exists, and there is only ever
 * one entry of a key, across crashes too.
 */
export class SigningJournal<Entry> {
  readonly #journal: Journal<Entry>;
  readonly #parameters: SigningJournalParameters<Entry>;
  readonly #entries: Map<string, { readonly entry: Entry; readonly durable: Promise<void> }>;

  private constructor(journal: Journal<Entry>, entries: readonly Entry[], parameters: SigningJournalParameters<Entry>) {
    this.#journal = journal;
    this.#parameters = parameters;
    const { keyOf } = parameters;
    this.#entries = new Map(entries.map((entry) => [keyOf(entry), { entry, durable: Promise.resolve() }]));
  }

  static async open<Entry>(path: string, parameters: SigningJournalParameters<Entry>): Promise<SigningJournal<Entry>> {
    const { journal, entries } = await Journal.open<Entry>(path);
    return new SigningJournal(journal, entries, parameters);
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key)?.entry;
  }

  /** Resolves with the entry of this key once it is durable. Throws the refusal where another one is recorded. */
  async record(wanted: Entry): Promise<Entry> {
    const { alike, keyOf, refusal } = this.#parameters;
    const key = keyOf(wanted);
    const recorded = this.#entries.get(key);
    if (recorded && !alike(recorded.entry, wanted)) throw refusal(recorded.entry, wanted);
    const kept = recorded ?? { entry: wanted, durable: this.#journal.append(wanted) };
    this.#entries.set(key, kept);
    try {
      await kept.durable;
    } catch (error) {
      // Not durable, so not decided: what may have reached the disk is the same entry or a torn line.
      this.#entries.delete(key);
      throw error;
    }
    return kept.entry;
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}
