import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import PQueue from "p-queue";
import { BaseError } from "../errors.js";
import { asDiskError } from "./disk/diskError.js";
import { syncFolder, writeDurably } from "./durable.js";
import { type ParseEntry, readLines } from "./journalLines.js";

const { O_APPEND, O_CREAT, O_RDWR, O_TRUNC } = constants;

/** A line of the journal cannot be read, and it is not a last line that a crash cut short. */
export class JournalError extends BaseError {
  constructor(path: string, line: number, cause: unknown) {
    super("journal-corrupt", `Line ${line} of the journal ${path} cannot be read.`, {
      cause,
      hints: ["The file was changed by something else: restore it from a backup before going on."],
    });
  }
}

/** The file of an open journal is no longer as the journal left it. Nothing was written. */
export class JournalChangedError extends BaseError {
  constructor(path: string, details: string) {
    super("journal-changed", `The journal ${path} was changed by something else while it was open.`, {
      details,
      hints: ["Look for a second process with this data folder, or for a tool that removes or replaces files in it."],
    });
  }
}

export interface OpenedJournal<Entry> {
  readonly journal: Journal<Entry>;
  readonly entries: Entry[];
  /** The bytes of each entry in the file, as {@link lineOf} makes them. */
  readonly lines: readonly Uint8Array[];
}

/** What can be read of a journal, which is left as it is. @throws {@link DiskError} */
export async function readableEntries<Entry>(path: string, parse?: ParseEntry<Entry>): Promise<Entry[]> {
  try {
    return readLines(await readFile(path), parse).entries;
  } catch (error) {
    throw asDiskError(path, error);
  }
}

/** What a damaged journal was replaced by. */
export interface SalvagedJournal<Entry> extends OpenedJournal<Entry> {
  /** Why the file could not be read; undefined if it was whole. What it was is then at its path with `.damaged` behind. */
  readonly damage: JournalError | undefined;
}

/**
 * An append-only log on disk, one JSON value a line. `append` resolves once the line is on the disk (fsync), so that
 * what was acknowledged survives a kill -9 and a power cut at any instant. A last line cut short by a crash was never
 * acknowledged and is dropped when the journal is opened. One writer at a time.
 *
 * After a write that failed, the file is made whole before anything else is acknowledged: it is cut to the lines that were.
 * After an fsync that failed, Linux takes the pages for written, and the next fsync succeeds without writing them: the
 * acknowledged lines are written to a new file then, which takes the place of this one.
 */
export class Journal<Entry> {
  readonly #path: string;
  #file: FileHandle;
  /** Of all lines that were acknowledged, in bytes. */
  #length: number;
  /** What may be behind or among them: a `torn` line, or bytes that are `unsynced` and that no later fsync writes. */
  #damage: "torn" | "unsynced" | undefined;
  readonly #queue = new PQueue({ concurrency: 1 });

  private constructor(path: string, file: FileHandle, length: number) {
    this.#path = path;
    this.#file = file;
    this.#length = length;
  }

  /**
   * Opens or creates the journal and returns it with what it holds.
   *
   * @param parse Returns the value as an entry, or throws. Without it every JSON value is an entry.
   * @throws {@link JournalError} on a line that cannot be read, {@link DiskError}
   */
  static async open<Entry>(path: string, parse?: ParseEntry<Entry>): Promise<OpenedJournal<Entry>> {
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(path, O_RDWR | O_CREAT | O_APPEND, 0o600);
      try {
        await syncFolder(dirname(path));
        // What a rewriting left that was killed takes up room, and nothing else: that it stays is no reason to fail.
        await rm(temporaryOf(path), { force: true }).catch(() => undefined);
        const bytes = await readFile(path);
        const { entries, length, lastLine, readable, unreadable } = readLines(bytes, parse);
        const [first] = unreadable;
        if (first !== undefined) throw new JournalError(path, first.line, first.cause);
        if (length < bytes.length) await file.truncate(length);
        await settle(path, bytes.subarray(lastLine, length), lastLine);
        return { journal: new Journal<Entry>(path, file, length), entries, lines: readable };
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      throw asDiskError(path, error);
    }
  }

  /**
   * As {@link open}, for a journal that its owner can do without: if lines cannot be read, the file is copied aside, and
   * the journal goes on with the lines that can.
   *
   * @throws {@link DiskError}
   */
  static async openOrSalvage<Entry>(path: string, parse?: ParseEntry<Entry>): Promise<SalvagedJournal<Entry>> {
    try {
      return { ...(await Journal.open(path, parse)), damage: undefined };
    } catch (damage) {
      if (!(damage instanceof JournalError)) throw damage;
      try {
        const bytes = await readFile(path);
        const { readable } = readLines(bytes, parse);
        await writeDurably(`${path}.damaged`, bytes);
        await writeDurably(path, Buffer.concat(readable));
      } catch (error) {
        throw asDiskError(path, error);
      }
      return { ...(await Journal.open(path, parse)), damage };
    }
  }

  /**
   * Writes `entry` and resolves when it is durable. Appends are written in the order of the calls. One that failed, such as
   * on a full disk, does not spoil the next; after a crash its entry may be there or not.
   *
   * @throws {@link DiskError}, {@link JournalChangedError}
   */
  append(entry: Entry): Promise<void> {
    return this.#exclusively(async () => {
      const line = Buffer.from(lineOf(entry));
      if (this.#damage !== undefined) await this.#mend();
      await this.#checkUnchanged();
      try {
        this.#damage = "torn";
        await this.#file.appendFile(line);
        this.#damage = "unsynced";
        await this.#file.datasync();
        this.#damage = undefined;
        this.#length += line.length;
      } catch (error) {
        // Best at once, since the process may be killed; if it fails, the next append tries again, and says why it cannot.
        await this.#mend().catch(() => undefined);
        throw error;
      }
    });
  }

  /**
   * Replaces all entries in one step: after a kill at any instant the file holds the old ones or the new ones. If it
   * rejects, it holds either, and goes on.
   *
   * @throws {@link DiskError}
   */
  replace(entries: readonly Entry[]): Promise<void> {
    return this.#exclusively(() => this.#rewrite(Buffer.from(entries.map(lineOf).join(""))));
  }

  close(): Promise<void> {
    return this.#exclusively(() => this.#file.close());
  }

  #exclusively(work: () => Promise<void>): Promise<void> {
    return this.#queue.add(async () => {
      try {
        await work();
      } catch (error) {
        throw asDiskError(this.#path, error);
      }
    });
  }

  /** Leaves nothing in the file but what was acknowledged. */
  async #mend(): Promise<void> {
    if (this.#damage === "torn") {
      try {
        await this.#file.truncate(this.#length);
        this.#damage = undefined;
        return;
      } catch {
        // A file that cannot be cut is written anew.
        this.#damage = "unsynced";
      }
    }
    const bytes = Buffer.alloc(this.#length);
    const { bytesRead } = await this.#file.read(bytes, 0, this.#length, 0);
    if (bytesRead < this.#length)
      throw new JournalChangedError(this.#path, `It ends at byte ${bytesRead} of ${this.#length}.`);
    await this.#rewrite(bytes);
  }

  /** Puts a new file, whole and durable, in the place of this one. */
  async #rewrite(bytes: Buffer): Promise<void> {
    const temporary = temporaryOf(this.#path);
    const file = await open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0o600);
    try {
      await file.appendFile(bytes);
      await file.sync();
      await rename(temporary, this.#path);
    } catch (error) {
      await discard(file, temporary);
      throw error;
    }
    const before = this.#file;
    this.#file = file;
    this.#length = bytes.length;
    // Until the folder is synced, a crash may bring back the file of before, which would lack what is appended now.
    this.#damage = "unsynced";
    try {
      await syncFolder(dirname(this.#path));
      this.#damage = undefined;
    } finally {
      await before.close();
    }
  }

  /** Throws unless the path leads to the open file, and that is as long as this journal has left it. */
  async #checkUnchanged(): Promise<void> {
    const [open, named] = [await this.#file.stat(), await stat(this.#path)];
    if (named.ino !== open.ino || named.dev !== open.dev)
      throw new JournalChangedError(this.#path, "Another file has its name.");
    if (open.size !== this.#length)
      throw new JournalChangedError(this.#path, `It has ${open.size} bytes instead of ${this.#length}.`);
  }
}

/**
 * Makes the last line durable: the process that wrote it may have been killed before its fsync, or after one that failed.
 * Only bytes that are written again are certain to reach the disk then.
 */
async function settle(path: string, line: Uint8Array, position: number): Promise<void> {
  if (line.length === 0) return;
  const file = await open(path, O_RDWR);
  try {
    for (let at = 0; at < line.length; )
      at += (await file.write(line, at, line.length - at, position + at)).bytesWritten;
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** The first error counts, so the file is closed and removed as far as that can be done. */
async function discard(file: FileHandle, path: string): Promise<void> {
  await Promise.allSettled([file.close(), rm(path, { force: true })]);
}

function temporaryOf(path: string): string {
  return `${path}.tmp`;
}

/** An entry as a line of a journal. */
export function lineOf(entry: unknown): string {
  return `${JSON.stringify(entry)}\n`;
}
