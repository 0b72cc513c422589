import { BaseError } from "../../errors.js";
import { DiskError } from "../../utils/disk/diskError.js";
import { Journal, JournalError, readableEntries } from "../../utils/journal.js";
import type { ParseEntry } from "../../utils/journalLines.js";

/**
 * The journal of what this node has signed is damaged, so the node may have signed what it no longer knows of. It signs
 * nothing new; what it is known to have signed stands, and all else goes on.
 */
export class SigningRefusedError extends BaseError {
  constructor(damage: JournalError) {
    super("signing-refused", `Nothing new is signed: ${damage.shortMessage}`, {
      cause: damage,
      hints: ["Restore the journal from a backup, and start the agent again. Never delete it while the key is in use."],
    });
  }
}

/** What the journals of a node have in common. */
export interface JournalCare {
  /** Room for what is signed, once the disk is full: makes a little, and resolves with false if nothing is left. */
  readonly reserve?: { release(): Promise<boolean> } | undefined;
  /** Called with why a journal cannot be read in full. */
  readonly onDamage?: ((damage: JournalError) => void) | undefined;
}

export interface SigningJournalDependencies<Entry> extends JournalCare {
  /** What there is at most one entry for. */
  readonly keyOf: (entry: Entry) => string;
  /** Whether two entries with one key say the same. */
  readonly alike: (recorded: Entry, wanted: Entry) => boolean;
  /** The error that refuses another entry. */
  readonly refusal: (recorded: Entry, wanted: Entry) => Error;
  /** Checks a line of the journal. */
  readonly parse: ParseEntry<Entry>;
}

interface RecordedEntry<Entry> {
  readonly entry: Entry;
  /** Resolves when it is on the disk. */
  readonly durable: Promise<void>;
  isDurable: boolean;
}

/**
 * Check and record before signing: what a node says is on disk before its signature exists, and there is at most one entry
 * with a key, across crashes too.
 */
export class SigningJournal<Entry> {
  /** Or why it cannot be written. */
  readonly #journal: Journal<Entry> | JournalError;
  readonly #dependencies: SigningJournalDependencies<Entry>;
  readonly #entries: Map<string, RecordedEntry<Entry>>;
  #size: number;

  private constructor(
    journal: Journal<Entry> | JournalError,
    entries: readonly Entry[],
    dependencies: SigningJournalDependencies<Entry>,
  ) {
    this.#journal = journal;
    this.#dependencies = dependencies;
    const { keyOf } = dependencies;
    this.#entries = new Map(
      entries.map((entry) => [keyOf(entry), { entry, durable: Promise.resolve(), isDurable: true }]),
    );
    this.#size = this.#entries.size;
  }

  /** A damaged journal is left as it is, and opened, so that what it tells stands: {@link JournalCare.onDamage} is called. @throws {@link DiskError} */
  static async open<Entry>(
    path: string,
    dependencies: SigningJournalDependencies<Entry>,
  ): Promise<SigningJournal<Entry>> {
    try {
      const { journal, entries } = await Journal.open<Entry>(path, dependencies.parse);
      return new SigningJournal(journal, entries, dependencies);
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      dependencies.onDamage?.(error);
      return new SigningJournal(error, await readableEntries(path, dependencies.parse), dependencies);
    }
  }

  /** How many entries are durable. */
  get size(): number {
    return this.#size;
  }

  /** The durable entry of a key: one that is on its way to the disk may not be signed yet. */
  get(key: string): Entry | undefined {
    const recorded = this.#entries.get(key);
    return recorded?.isDurable ? recorded.entry : undefined;
  }

  /**
   * Resolves with the entry of this key once it is durable. Throws the refusal if another one is recorded.
   *
   * @throws {@link SigningRefusedError} if the journal is damaged and has no entry of this key, {@link DiskError}
   */
  async record(wanted: Entry): Promise<Entry> {
    const { alike, keyOf, refusal } = this.#dependencies;
    const key = keyOf(wanted);
    const recorded = this.#entries.get(key);
    if (recorded && !alike(recorded.entry, wanted)) throw refusal(recorded.entry, wanted);
    const kept = recorded ?? { entry: wanted, durable: this.#append(wanted), isDurable: false };
    this.#entries.set(key, kept);
    try {
      await kept.durable;
      kept.isDurable = true;
    } catch (error) {
      // Not durable, so not decided: what may have reached the disk is the same entry or a torn line.
      this.#entries.delete(key);
      throw error;
    }
    return kept.entry;
  }

  async close(): Promise<void> {
    if (this.#journal instanceof Journal) await this.#journal.close();
  }

  /** On a full disk, room is made from the reserve until the entry fits. */
  async #append(entry: Entry): Promise<void> {
    if (this.#journal instanceof JournalError) throw new SigningRefusedError(this.#journal);
    for (;;) {
      try {
        await this.#journal.append(entry);
        this.#size += 1;
        return;
      } catch (error) {
        // A limit on the size of files leaves room on the disk, and is not changed by more.
        const isFull = error instanceof DiskError && error.kind === "full" && codeOf(error.cause) !== "EFBIG";
        if (!isFull || !(await this.#dependencies.reserve?.release())) throw error;
      }
    }
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
