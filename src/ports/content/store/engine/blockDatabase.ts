import { mkdir, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { Level } from "level";
import PQueue from "p-queue";
import type { AcknowledgedWrites } from "./acknowledgedWrites.js";
import type { DatabaseChange } from "./change.js";
import { openingBytes, tryToWrite } from "./trial.js";

/** Keys from, or after, one and before another. */
export interface KeyRange {
  readonly gte?: string;
  readonly gt?: string;
  readonly lt: string;
}

interface InNode {
  compactRange(from: string, to: string): Promise<void>;
}

/** The engine sorts writes into files once it has so many bytes: with less, it sorts the same entries many times. */
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;
/** The engine maps its files, of 2 MiB each, into memory as it reads them; this is the lowest bound that it accepts. */
const MAX_OPEN_FILES = 74;
/** Under which the database holds the number of its last durable write. */
const NUMBER_KEY = "!writes!";
/** Entries of one page, and its bytes. */
const PAGE = 256;
const PAGE_BYTES = 1024 * 1024;

/** Hashes do not compress. */
export const DATABASE_OPTIONS = {
  keyEncoding: "utf8",
  valueEncoding: "view",
  compression: false,
  writeBufferSize: WRITE_BUFFER_BYTES,
  maxOpenFiles: MAX_OPEN_FILES,
} as const;

/** The code of the engine's error if a database is held. */
export const LOCKED = "LEVEL_LOCKED";

/**
 * The databases that this process has open. Its engine opens and closes the lock of one that it has open already, and POSIX
 * gives up a process's lock on a file as soon as any handle of it is closed: another process could open the database then.
 * (https://github.com/facebook/rocksdb/issues/1780)
 */
const held = new Set<string>();

/** Whether this process has the database open. */
export async function isHeldHere(path: string): Promise<boolean> {
  return held.has(await placeOf(path));
}

/** The path without links, so that a database has one name. */
async function placeOf(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}

/**
 * A LevelDB database that makes itself whole after a failed write. A part of a record that a full disk left in the engine's
 * log hides the records behind it from the next opening, and after a failed table or sync the engine refuses every later
 * write. So after any failed write the engine is closed and opened again, which sorts its log into a table and begins a new
 * one, before anything else is acknowledged. As long as that cannot succeed it stays open for reading.
 */
export class BlockDatabase {
  readonly #path: string;
  readonly #db: Level<string, Uint8Array>;
  readonly #acknowledged: AcknowledgedWrites | undefined;
  readonly #writes = new PQueue({ concurrency: 1 });
  /** Whether a write has failed since the engine was opened. */
  #isTorn = false;
  #isClosed = false;
  /** Where it is open. */
  #place: string | undefined;
  #readers = 0;
  /** Called when the last reader ends. */
  #idle: (() => void) | undefined;
  #reopening: Promise<void> | undefined;

  /** @param acknowledged Where durable writes are noted; nowhere by default. */
  constructor(path: string, acknowledged?: AcknowledgedWrites) {
    this.#path = path;
    this.#acknowledged = acknowledged;
    this.#db = new Level(path, DATABASE_OPTIONS as object);
  }

  async open({ create }: { readonly create: boolean }): Promise<void> {
    if (create) await mkdir(this.#path, { recursive: true, mode: 0o700 });
    const place = await placeOf(this.#path);
    if (held.has(place)) throw Object.assign(new Error(`${this.#path} is locked`), { code: LOCKED });
    held.add(place);
    try {
      await this.#db.open({ ...DATABASE_OPTIONS, createIfMissing: create } as object);
      this.#place = place;
    } catch (error) {
      held.delete(place);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writes.onIdle();
    await this.#reopening?.catch(() => undefined);
    await this.#closeEngine();
    await this.#acknowledged?.close();
  }

  /** The number of the last durable write that is here; 0 if none is. */
  async writesHeld(): Promise<number> {
    const value = await this.get(NUMBER_KEY);
    const number = Number(value === undefined ? 0 : new TextDecoder().decode(value));
    return Number.isSafeInteger(number) ? number : 0;
  }

  /**
   * Writes all changes in one step; resolves once they are on the disk. What a rejected batch changed may be there or not.
   * `durable: false` for what may be lost by a crash.
   */
  batch(changes: readonly DatabaseChange[], { durable = true }: { readonly durable?: boolean } = {}): Promise<void> {
    const acknowledged = durable ? this.#acknowledged : undefined;
    const write = async () => {
      if (acknowledged === undefined) return this.#db.batch([...changes], { sync: durable } as object);
      const number = acknowledged.next();
      const numbered = { type: "put", key: NUMBER_KEY, value: new TextEncoder().encode(`${number}`) } as const;
      await this.#db.batch([...changes, numbered], { sync: true } as object);
      acknowledged.note(number, changes);
    };
    return this.#writes.add(async () => {
      if (!this.#isTorn) {
        try {
          return await write();
        } catch (error) {
          if (this.#isClosed) throw error;
          this.#isTorn = true;
        }
      }
      await this.#reopen();
      try {
        await write();
      } catch (error) {
        this.#isTorn = true;
        throw error;
      }
    });
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#read((db) => db.get(key));
  }

  getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#read((db) => db.getMany([...keys]));
  }

  has(key: string): Promise<boolean> {
    return this.#read((db) => db.has(key));
  }

  /** Entries in the order of their keys. Read by pages: a snapshot held for hours would keep what is removed on the disk. */
  async *entries({ lt, ...from }: KeyRange): AsyncGenerator<readonly [string, Uint8Array]> {
    for (let range: KeyRange = { ...from, lt }; ; ) {
      const page = await this.#read(async (db) => {
        const iterator = db.iterator({ ...range, highWaterMarkBytes: PAGE_BYTES } as object);
        try {
          return await iterator.nextv(PAGE);
        } finally {
          await iterator.close();
        }
      });
      yield* page;
      const last = page.at(-1);
      if (last === undefined) return;
      range = { gt: last[0], lt };
    }
  }

  async *keys({ lt, ...from }: KeyRange): AsyncGenerator<string> {
    for (let range: KeyRange = { ...from, lt }; ; ) {
      const page = await this.#read((db) => db.keys({ ...range, limit: PAGE } as object).all());
      yield* page;
      const last = page.at(-1);
      if (last === undefined) return;
      range = { gt: last, lt };
    }
  }

  /** Sorts all tables anew, which gives the space of removed entries back. */
  async compact(): Promise<void> {
    // The types of `level` are for browsers too, and leave out what the engine has in Node alone.
    await this.#read((db) => (db as typeof db & InNode).compactRange("", "~"));
  }

  async #read<T>(work: (db: Level<string, Uint8Array>) => Promise<T>): Promise<T> {
    if (this.#reopening !== undefined) await this.#reopening;
    // It could not be opened again after a failed write: perhaps it can now.
    else if (this.#isTorn && this.#db.status !== "open" && !this.#isClosed)
      await this.#writes.add(() => this.#reopen());
    this.#readers += 1;
    try {
      return await work(this.#db);
    } finally {
      this.#readers -= 1;
      if (this.#readers === 0) this.#idle?.();
    }
  }

  async #reopen(): Promise<void> {
    if (!this.#isTorn) return;
    if (this.#isClosed) throw new Error("The database is closed");
    await tryToWrite(this.#path, await openingBytes(this.#path));
    this.#reopening = this.#closeAndOpen();
    try {
      await this.#reopening;
      this.#isTorn = false;
    } finally {
      this.#reopening = undefined;
    }
  }

  async #closeAndOpen(): Promise<void> {
    if (this.#readers > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      this.#idle = undefined;
    }
    await this.#closeEngine();
    await this.open({ create: false });
  }

  async #closeEngine(): Promise<void> {
    await this.#db.close();
    if (this.#place !== undefined) held.delete(this.#place);
    this.#place = undefined;
  }
}
