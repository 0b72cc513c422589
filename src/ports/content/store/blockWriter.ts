import type { CID } from "multiformats/cid";
import { messageOf } from "../../../errors.js";
import { isBlockOf } from "../cid.js";
import type { Pin } from "../maintenance.js";
import { blockKey, bornKey, encodeBorn, pinKey } from "./blockKeys.js";
import type { BlockDatabase } from "./engine/blockDatabase.js";
import type { DatabaseChange } from "./engine/change.js";
import type { BlockFiles, StagedBlock } from "./files/blockFiles.js";
import { writeError } from "./storeErrors.js";
import type { StoreSession } from "./storeSession.js";

/** Written in one step: a small block that goes into the database, or a large one that has a file, and a pin. */
export interface StoreWrite {
  readonly block?: { readonly cid: CID; readonly bytes: Uint8Array };
  readonly file?: StagedBlock;
  readonly pin?: Pin;
}

/** Called with each group before its writes are acknowledged, and before the next group. */
type OnWritten = (written: { readonly keys: readonly string[]; readonly pins: readonly Pin[] }) => void;

interface QueuedWrite {
  readonly write: StoreWrite;
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

export interface BlockWriterDependencies {
  readonly db: Pick<BlockDatabase, "batch" | "getMany">;
  readonly files: Pick<BlockFiles, "commit" | "discard">;
  readonly session: StoreSession;
  readonly onWritten: OnWritten;
}

/** Writes that share one fsync; bounded in bytes too, so that small blocks do not wait for many large ones. */
const MAX_GROUP = 1_024;
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

/**
 * All changes of a store, one group after another: writes that come while a group is on its way to the disk go together
 * in the next, with one fsync for all of them. Work that reads before it writes runs in {@link alone}, between groups.
 */
export class BlockWriter {
  readonly #db: Pick<BlockDatabase, "batch" | "getMany">;
  readonly #files: Pick<BlockFiles, "commit" | "discard">;
  readonly #session: StoreSession;
  readonly #onWritten: OnWritten;
  readonly #queue: (QueuedWrite | (() => Promise<void>))[] = [];
  #running: Promise<void> | undefined;

  constructor({ db, files, session, onWritten }: BlockWriterDependencies) {
    this.#db = db;
    this.#files = files;
    this.#session = session;
    this.#onWritten = onWritten;
  }

  /** Resolves once it is on the disk. A block that is there already counts as put again now. */
  write(write: StoreWrite): Promise<void> {
    return new Promise((done, fail) => this.#enqueue({ write, done, fail }));
  }

  /** Runs `work` while nothing else writes. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => this.#enqueue(() => work().then(resolve, reject)));
  }

  /** Resolves when all that was queued is written. */
  async settled(): Promise<void> {
    await this.#running;
  }

  #enqueue(next: QueuedWrite | (() => Promise<void>)): void {
    this.#queue.push(next);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Puts made in one turn of the event loop share a group.
    await Promise.resolve();
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (typeof next === "function") await next();
      else await this.#writeGroup(this.#group(next));
    }
    // In the same turn as the last check of the queue, so that no write is forgotten.
    this.#running = undefined;
  }

  #group(first: QueuedWrite): QueuedWrite[] {
    const group = [first];
    let bytes = first.write.block?.bytes.length ?? 0;
    for (let next = this.#queue[0]; next !== undefined && typeof next !== "function"; next = this.#queue[0]) {
      bytes += next.write.block?.bytes.length ?? 0;
      if (group.length >= MAX_GROUP || bytes > MAX_GROUP_BYTES) break;
      group.push(next);
      this.#queue.shift();
    }
    return group;
  }

  async #writeGroup(group: readonly QueuedWrite[]): Promise<void> {
    const files = group.flatMap(({ write }) => write.file ?? []);
    try {
      const blocks = new Map<string, NonNullable<StoreWrite["block"]>>();
      for (const { write } of group) if (write.block) blocks.set(blockKey(write.block.cid), write.block);
      const pins = group.flatMap(({ write }) => write.pin ?? []);
      const here = await this.#whole([...blocks]);
      // Before the database: a block is never named by a pin or an age without being here.
      await this.#files.commit(files);
      const changes: DatabaseChange[] = [];
      const born = (key: string, bytes: Uint8Array) =>
        changes.push({ type: "put", key: bornKey(key), value: encodeBorn(this.#session.stamp(bytes.length)) });
      for (const [key, { bytes }] of blocks) {
        if (!here.has(key)) changes.push({ type: "put", key, value: bytes });
        born(key, bytes);
      }
      for (const { key, bytes } of files) {
        // Earlier versions kept large blocks in the database.
        changes.push({ type: "del", key });
        born(key, bytes);
      }
      for (const pin of pins) {
        changes.push({ type: "put", key: pinKey(pin.name), value: Buffer.from(JSON.stringify(pin)) });
      }
      await this.#db.batch(changes);
      this.#onWritten({ keys: [...blocks.keys(), ...files.map(({ key }) => key)], pins });
      for (const { done } of group) done();
    } catch (cause) {
      for (const file of files) await this.#files.discard(file);
      const error = writeError(cause);
      for (const { fail } of group) fail(error);
    }
  }

  /** The keys of those blocks that are on the disk, unaltered. */
  async #whole(blocks: readonly (readonly [string, { readonly cid: CID }])[]): Promise<Set<string>> {
    const stored = await this.#db
      .getMany(blocks.map(([key]) => key))
      .catch((error: unknown): (Uint8Array | undefined)[] => {
        // The engine cannot read one of them: all are written anew.
        if (/corruption/i.test(messageOf(error))) return [];
        throw error;
      });
    const here = new Set<string>();
    for (const [index, [key, { cid }]] of blocks.entries()) {
      const bytes = stored[index];
      if (bytes !== undefined && isBlockOf(cid, bytes)) here.add(key);
    }
    return here;
  }
}
