import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { BaseError } from "../errors.js";
import { syncFolder } from "./durable.js";

/** A line of the journal that can't be read and is not the torn last one. */
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
  readonly #file: FileHandle;
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
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
      if (end < text.length) {
        await file.truncate(Buffer.byteLength(text.slice(0, end)));
        await file.datasync();
      }
      return { journal: new Journal<Entry>(file), entries };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Writes `entry` and resolves when it is durable. Appends are written in the order of the calls. */
  append(entry: Entry): Promise<void> {
    const write = this.#tail.then(async () => {
      await this.#file.appendFile(`${JSON.stringify(entry)}\n`);
      await this.#file.datasync();
    });
    this.#tail = write.catch(() => undefined);
    return write;
  }

  async close(): Promise<void> {
    await this.#tail;
    await this.#file.close();
  }
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
