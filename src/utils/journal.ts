import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import PQueue from "p-queue";
import { BaseError } from "../errors.js";
import { syncFolder } from "./durable.js";

/** A line of the journal cannot be read, and it is not a last line that a crash cut short. */
export class JournalError extends BaseError {
  constructor(path: string, line: number, cause: unknown) {
    super("journal-corrupt", `Line ${line} of the journal ${path} cannot be read.`, {
      cause,
      hints: ["The file was changed by something else: restore it from a backup before going on."],
    });
  }
}

/**
 * An append-only log on disk, one JSON value a line. `append` resolves once the line is on the disk (fsync), so that
 * what was acknowledged survives a kill -9 at any instant. A last line cut short by a crash was never acknowledged and
 * is dropped when the journal is opened. One writer at a time.
 */
export class Journal<Entry> {
  readonly #path: string;
  #file: FileHandle;
  /** Of all lines that are whole, in bytes. */
  #length: number;
  /** Whether a failed write may have left a part of its line behind them. */
  #isTorn = false;
  readonly #queue = new PQueue({ concurrency: 1 });

  private constructor(path: string, file: FileHandle, length: number) {
    this.#path = path;
    this.#file = file;
    this.#length = length;
  }

  /** Opens or creates the journal and returns it with what it holds. Throws {@link JournalError} on a bad line. */
  static async open<Entry>(path: string): Promise<{ journal: Journal<Entry>; entries: Entry[] }> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600);
    try {
      await syncFolder(dirname(path));
      const text = await readFile(path, "utf8");
      const end = text.lastIndexOf("\n") + 1;
      const entries = parseLines<Entry>(path, text.slice(0, end));
      const length = Buffer.byteLength(text.slice(0, end));
      if (end < text.length) {
        await file.truncate(length);
        await file.datasync();
      }
      return { journal: new Journal<Entry>(path, file, length), entries };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Writes `entry` and resolves when it is durable. Appends are written in the order of the calls. One that failed, such as
   * on a full disk, does not spoil the next.
   */
  append(entry: Entry): Promise<void> {
    return this.#queue.add(async () => {
      if (this.#isTorn) await this.#file.truncate(this.#length);
      const line = lineOf(entry);
      this.#isTorn = true;
      await this.#file.appendFile(line);
      await this.#file.datasync();
      this.#isTorn = false;
      this.#length += Buffer.byteLength(line);
    });
  }

  /**
   * Replaces all entries in one step: after a kill at any instant the file holds the old ones or the new ones. If it
   * rejects, the journal is as it was; if syncing the folder failed, every later append rejects.
   */
  replace(entries: readonly Entry[]): Promise<void> {
    return this.#queue.add(async () => {
      const temporary = `${this.#path}.tmp`;
      const { O_APPEND, O_CREAT, O_TRUNC, O_WRONLY } = constants;
      const file = await open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600);
      const text = entries.map(lineOf).join("");
      try {
        await file.appendFile(text);
        await file.sync();
        await rename(temporary, this.#path);
      } catch (error) {
        await file.close();
        await rm(temporary, { force: true });
        throw error;
      }
      const before = this.#file;
      this.#file = file;
      this.#length = Buffer.byteLength(text);
      this.#isTorn = false;
      await before.close();
      try {
        await syncFolder(dirname(this.#path));
      } catch (error) {
        // After a crash the name may lead to the old file, which would lack what is appended now.
        await file.close();
        throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.#queue.add(() => this.#file.close());
  }
}

function lineOf(entry: unknown): string {
  return `${JSON.stringify(entry)}\n`;
}

function parseLines<Entry>(path: string, text: string): Entry[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line, index) => {
      try {
        return JSON.parse(line) as Entry;
      } catch (cause) {
        throw new JournalError(path, index + 1, cause);
      }
    });
}
