import type { Level } from "level";
import type { CID } from "multiformats/cid";
import { messageOf } from "../../../errors.js";
import { isBlockOf } from "../cid.js";
import { ContentError } from "../content.js";
import type { Pin } from "../maintenance.js";
import { blockKey, bornKey, encodeBorn, pinKey } from "./blockKeys.js";

/** Written in one step: a block, a root, or both. */
export interface Write {
  readonly block?: { readonly cid: CID; readonly bytes: Uint8Array };
  readonly root?: Pin;
}

/** Told of each group before its writes are acknowledged, and before anything comes after it. */
type OnWritten = (written: { readonly keys: readonly string[]; readonly roots: readonly Pin[] }) => void;

interface Waiting {
  readonly write: Write;
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

/** Writes that share one fsync. In bytes, so that many large blocks are not held up behind one another. */
const MAX_GROUP = 1_024;
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

/**
 * All changes of a store, one group after another: writes that come while a group is on its way to the disk go together
 * in the next, with one fsync for all of them. Whatever reads before it writes does so in {@link alone}, between groups.
 */
export class BlockWriter {
  readonly #db: Level<string, Uint8Array>;
  readonly #onWritten: OnWritten;
  readonly #queue: (Waiting | (() => Promise<void>))[] = [];
  #running: Promise<void> | undefined;

  constructor(db: Level<string, Uint8Array>, onWritten: OnWritten) {
    this.#db = db;
    this.#onWritten = onWritten;
  }

  /** Resolves once it is on the disk. A block that is there already, whole, counts as put again now. */
  write(write: Write): Promise<void> {
    return new Promise((done, fail) => this.#enqueue({ write, done, fail }));
  }

  /** Runs `work` while nothing else writes. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => this.#enqueue(() => work().then(resolve, reject)));
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    await this.#running;
  }

  #enqueue(next: Waiting | (() => Promise<void>)): void {
    this.#queue.push(next);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // What is put in one go, such as by a loop, comes as one group.
    await Promise.resolve();
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (typeof next === "function") await next();
      else await this.#writeGroup(this.#group(next));
    }
    // In the same moment as the last look at the queue, so that nothing comes between.
    this.#running = undefined;
  }

  #group(first: Waiting): Waiting[] {
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

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const blocks = new Map<string, NonNullable<Write["block"]>>();
      for (const { write } of group) if (write.block) blocks.set(blockKey(write.block.cid), write.block);
      const roots = group.flatMap(({ write }) => write.root ?? []);
      const keys = [...blocks.keys()];
      const here = await this.#whole([...blocks]);
      const at = Date.now();
      const operations: { type: "put"; key: string; value: Uint8Array }[] = [];
      for (const [key, { bytes }] of blocks) {
        if (!here.has(key)) operations.push({ type: "put", key, value: bytes });
        operations.push({ type: "put", key: bornKey(key), value: encodeBorn({ at, bytes: bytes.length }) });
      }
      for (const root of roots) {
        operations.push({ type: "put", key: pinKey(root.name), value: Buffer.from(JSON.stringify(root)) });
      }
      await this.#db.batch(operations, { sync: true } as object);
      this.#onWritten({ keys, roots });
      for (const { done } of group) done();
    } catch (cause) {
      const error = new ContentError("storage", "What was put could not be written to the disk.", {
        cause,
        details: messageOf(cause),
      });
      for (const { fail } of group) fail(error);
    }
  }

  /** Those of the blocks that are on the disk as they should be. */
  async #whole(blocks: readonly (readonly [string, { readonly cid: CID }])[]): Promise<Set<string>> {
    const stored = await this.#db
      .getMany(blocks.map(([key]) => key))
      .catch((error: unknown): (Uint8Array | undefined)[] => {
        // What the engine cannot read is written anew.
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
