import type { Level } from "level";
import type { CID } from "multiformats/cid";
import { messageOf } from "../../../errors.js";
import { isBlockOf } from "../cid.js";
import { ContentError } from "../content.js";
import type { Pin } from "../maintenance.js";
import { blockKey, bornKey, encodeBorn, pinKey } from "./blockKeys.js";
import type { StoreSession } from "./storeSession.js";

/** Written in one step: a block, a pin, or both. */
export interface StoreWrite {
  readonly block?: { readonly cid: CID; readonly bytes: Uint8Array };
  readonly pin?: Pin;
}

/** Called with each group before its writes are acknowledged, and before the next group. */
type OnWritten = (written: { readonly keys: readonly string[]; readonly pins: readonly Pin[] }) => void;

interface QueuedWrite {
  readonly write: StoreWrite;
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

/** Writes that share one fsync; bounded in bytes too, so that small blocks do not wait for many large ones. */
const MAX_GROUP = 1_024;
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

/**
 * All changes of a store, one group after another: writes that come while a group is on its way to the disk go together
 * in the next, with one fsync for all of them. Work that reads before it writes runs in {@link alone}, between groups.
 */
export class BlockWriter {
  readonly #db: Level<string, Uint8Array>;
  readonly #session: StoreSession;
  readonly #onWritten: OnWritten;
  readonly #queue: (QueuedWrite | (() => Promise<void>))[] = [];
  #running: Promise<void> | undefined;

  constructor(db: Level<string, Uint8Array>, session: StoreSession, onWritten: OnWritten) {
    this.#db = db;
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
    try {
      const blocks = new Map<string, NonNullable<StoreWrite["block"]>>();
      for (const { write } of group) if (write.block) blocks.set(blockKey(write.block.cid), write.block);
      const pins = group.flatMap(({ write }) => write.pin ?? []);
      const keys = [...blocks.keys()];
      const here = await this.#whole([...blocks]);
      const operations: { type: "put"; key: string; value: Uint8Array }[] = [];
      for (const [key, { bytes }] of blocks) {
        if (!here.has(key)) operations.push({ type: "put", key, value: bytes });
        operations.push({ type: "put", key: bornKey(key), value: encodeBorn(this.#session.stamp(bytes.length)) });
      }
      for (const pin of pins) {
        operations.push({ type: "put", key: pinKey(pin.name), value: Buffer.from(JSON.stringify(pin)) });
      }
      await this.#db.batch(operations, { sync: true } as object);
      this.#onWritten({ keys, pins });
      for (const { done } of group) done();
    } catch (cause) {
      const error = new ContentError("storage", "What was put could not be written to the disk.", {
        cause,
        details: messageOf(cause),
      });
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
