import { BaseError } from "../../errors.js";
import { type Reserve, withReserve } from "../../utils/disk/withReserve.js";
import { Journal, JournalError, lineOf, type OpenedJournal, readableEntries } from "../../utils/journal.js";
import type { ParseEntry } from "../../utils/journalLines.js";
import { JournalMark } from "./journalMark.js";

/**
 * The journal of what this node has signed is damaged, so the node may have signed what it no longer knows of. It signs
 * nothing new; what it is known to have signed stands, and all else goes on.
 */
export class SigningRefusedError extends BaseError {
  constructor(damage: JournalError | JournalCutError) {
    super("signing-refused", `Nothing new is signed: ${damage.shortMessage}`, {
      cause: damage,
      hints: ["Restore the journal from a backup, and start the agent again. Never delete it while the key is in use."],
    });
  }
}

/** A journal reads well, and lacks lines that it has held: it was cut at a line end, emptied, or replaced by an older one. */
export class JournalCutError extends BaseError {
  constructor(path: string, missing: number) {
    const what = missing === 0 ? "holds other lines than before" : `lacks the last ${missing} lines that it held`;
    super("journal-cut", `The journal ${path} ${what}.`, {
      hints: ["Nothing new is signed on what is open now; peers give back what this node has signed."],
    });
  }
}

/** What the journals of a node have in common. */
export interface JournalCare {
  /** Room for what is signed, once the disk is full: makes a little, and resolves with false if nothing is left. */
  readonly reserve?: Reserve | undefined;
  /** Called with why a journal cannot be read in full, or what it lacks. */
  readonly onDamage?: ((damage: JournalError | JournalCutError) => void) | undefined;
  /**
   * Called if a journal lacks entries that it held, with how many if that is known. Nothing may be signed that they may
   * contradict; resolves with whether that holds after a restart too. Without it nothing new is signed at all.
   */
  readonly onCut?: ((missing: number) => Promise<boolean>) | undefined;
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

interface OpenedSigningJournal<Entry> {
  readonly journal: Journal<Entry> | JournalError | JournalCutError;
  readonly entries: readonly Entry[];
  readonly mark: JournalMark;
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
  readonly #journal: Journal<Entry> | JournalError | JournalCutError;
  readonly #mark: JournalMark;
  readonly #dependencies: SigningJournalDependencies<Entry>;
  readonly #entries: Map<string, RecordedEntry<Entry>>;
  #size: number;

  private constructor(
    { journal, entries, mark }: OpenedSigningJournal<Entry>,
    dependencies: SigningJournalDependencies<Entry>,
  ) {
    this.#journal = journal;
    this.#mark = mark;
    this.#dependencies = dependencies;
    const { keyOf } = dependencies;
    this.#entries = new Map(
      entries.map((entry) => [keyOf(entry), { entry, durable: Promise.resolve(), isDurable: true }]),
    );
    this.#size = this.#entries.size;
  }

  /**
   * A damaged journal is left as it is, and opened, so that what it tells stands: {@link JournalCare.onDamage} is called.
   *
   * @throws {@link DiskError}
   */
  static async open<Entry>(
    path: string,
    dependencies: SigningJournalDependencies<Entry>,
  ): Promise<SigningJournal<Entry>> {
    const { onCut, onDamage, parse } = dependencies;
    const mark = await JournalMark.open(path);
    let opened: OpenedJournal<Entry>;
    try {
      opened = await Journal.open<Entry>(path, parse);
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      onDamage?.(error);
      return new SigningJournal({ journal: error, entries: await readableEntries(path, parse), mark }, dependencies);
    }
    const { entries, journal, lines } = opened;
    const cut = mark.read(lines);
    if (cut === undefined) return new SigningJournal({ journal, entries, mark }, dependencies);
    const damage = new JournalCutError(path, cut.missing);
    onDamage?.(damage);
    if (onCut === undefined) {
      await journal.close();
      return new SigningJournal({ journal: damage, entries, mark }, dependencies);
    }
    // As long as the mark stands, the next start finds the same.
    if (await onCut(cut.missing)) await withReserve(dependencies.reserve, () => mark.reset());
    return new SigningJournal({ journal, entries, mark }, dependencies);
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

  async #append(entry: Entry): Promise<void> {
    const journal = this.#journal;
    if (!(journal instanceof Journal)) throw new SigningRefusedError(journal);
    const { reserve } = this.#dependencies;
    await withReserve(reserve, () => journal.append(entry));
    this.#mark.add(Buffer.from(lineOf(entry)));
    await withReserve(reserve, () => this.#mark.write());
    this.#size += 1;
  }
}
