import { Journal } from "../../utils/journal.js";

export interface SigningJournalDependencies<Entry> {
  /** What there is at most one entry for. */
  readonly keyOf: (entry: Entry) => string;
  /** Whether two entries with one key say the same. */
  readonly alike: (recorded: Entry, wanted: Entry) => boolean;
  /** The error that refuses another entry. */
  readonly refusal: (recorded: Entry, wanted: Entry) => Error;
}

/**
 * Check and record before signing: what a node says is on disk before its signature exists, and there is at most one entry
 * with a key, across crashes too.
 */
export class SigningJournal<Entry> {
  readonly #journal: Journal<Entry>;
  readonly #dependencies: SigningJournalDependencies<Entry>;
  readonly #entries: Map<string, { readonly entry: Entry; readonly durable: Promise<void> }>;
  #size: number;

  private constructor(
    journal: Journal<Entry>,
    entries: readonly Entry[],
    dependencies: SigningJournalDependencies<Entry>,
  ) {
    this.#journal = journal;
    this.#dependencies = dependencies;
    const { keyOf } = dependencies;
    this.#entries = new Map(entries.map((entry) => [keyOf(entry), { entry, durable: Promise.resolve() }]));
    this.#size = this.#entries.size;
  }

  static async open<Entry>(
    path: string,
    dependencies: SigningJournalDependencies<Entry>,
  ): Promise<SigningJournal<Entry>> {
    const { journal, entries } = await Journal.open<Entry>(path);
    return new SigningJournal(journal, entries, dependencies);
  }

  /** How many entries are durable. */
  get size(): number {
    return this.#size;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key)?.entry;
  }

  /** Resolves with the entry of this key once it is durable. Throws the refusal if another one is recorded. */
  async record(wanted: Entry): Promise<Entry> {
    const { alike, keyOf, refusal } = this.#dependencies;
    const key = keyOf(wanted);
    const recorded = this.#entries.get(key);
    if (recorded && !alike(recorded.entry, wanted)) throw refusal(recorded.entry, wanted);
    const kept = recorded ?? { entry: wanted, durable: this.#append(wanted) };
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

  async #append(entry: Entry): Promise<void> {
    await this.#journal.append(entry);
    this.#size += 1;
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}
