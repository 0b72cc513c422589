import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BaseBlockstore } from "blockstore-core";
import type { Pair } from "interface-blockstore";
import { Level } from "level";
import type { CID } from "multiformats/cid";
import { messageOf } from "../../../errors.js";
import { isBlockOf } from "../cid.js";
import { ContentError, MAX_BLOCK_BYTES } from "../content.js";
import type { Pin } from "../maintenance.js";
import { BlockKeys, blockKey, blockKeyOfBorn, bornKey, cidOfKey, decodeBorn, pinKey } from "./blockKeys.js";
import { BlockWriter } from "./blockWriter.js";

type Bytes = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Blocks that no collection takes while they are held: those of a file whose root is not written yet. */
export interface GcHold {
  add(cid: CID): void;
  release(): void;
}

/** What is written while a collection runs, which therefore must not take it. */
export interface Watch {
  readonly touched: ReadonlySet<string>;
  /** Roots set since the last call. */
  takeRoots(): Pin[];
  hasRoots(): boolean;
  end(): void;
}

export interface StoredEntry {
  readonly key: string;
  readonly at: number;
  readonly bytes: number;
}

/** Altered blocks kept for whoever looks into the disk: 64 MiB at most. Later ones are removed all the same. */
const MAX_QUARANTINED = 64;
/** The engine collects writes of so many bytes before it sorts them into files: with less, a large file is sorted often. */
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;
/** The engine maps its files, of 2 MiB each, into memory as it reads them: no more than so many at a time, its least. */
const MAX_OPEN_FILES = 74;
/** Bytes that an iterator reads ahead. */
const READ_AHEAD_BYTES = 1024 * 1024;
/** Blocks that are read from one state of the disk. */
const PAGE = 256;

/**
 * Blocks on disk that are what their names say: checked when they are written and each time they are read. A write is
 * acknowledged once it is on the disk. A block that was altered is moved into `quarantine` and counts as missing, so
 * that it is fetched again and heals. Beside each block stands when it was last put, and the roots stand with the blocks:
 * a block and its root are written in one step.
 */
export class VerifiedBlocks extends BaseBlockstore {
  readonly #db: Level<string, Uint8Array>;
  readonly #quarantine: string;
  readonly #writer: BlockWriter;
  readonly #held = new Set<Set<string>>();
  readonly #watches = new Set<{ touched: Set<string>; roots: Pin[] }>();

  constructor(dir: string) {
    super();
    this.#db = new Level(join(dir, "blocks"), { keyEncoding: "utf8", valueEncoding: "view" });
    this.#quarantine = join(dir, "quarantine");
    this.#writer = new BlockWriter(this.#db, ({ keys, roots }) => {
      for (const watch of this.#watches) {
        for (const key of keys) watch.touched.add(key);
        watch.roots.push(...roots);
      }
    });
  }

  async open(): Promise<void> {
    // Blocks are hashes and weights: nothing to compress.
    await this.#db.open({
      compression: false,
      writeBufferSize: WRITE_BUFFER_BYTES,
      maxOpenFiles: MAX_OPEN_FILES,
    } as object);
  }

  async close(): Promise<void> {
    await this.#writer.settled();
    await this.#db.close();
  }

  override async put(cid: CID, value: Bytes): Promise<CID> {
    await this.write(cid, await toBytes(value));
    return cid;
  }

  /**
   * Writes a block, in place of an altered one too, and its root with it. Resolves once they are on the disk.
   * @throws {ContentError} `corrupt` where the bytes are not the block, `too-large`, `storage`.
   */
  async write(cid: CID, bytes: Uint8Array, root?: Pin): Promise<void> {
    if (bytes.length > MAX_BLOCK_BYTES) throw new ContentError("too-large", `The block ${cid} is too large to keep.`);
    if (!isBlockOf(cid, bytes)) throw new ContentError("corrupt", `Bytes that are not the block ${cid} were refused.`);
    // The caller's bytes are its own again at once, and the writer's are written later.
    await this.#writer.write({ block: { cid, bytes: bytes.slice() }, ...(root ? { root } : {}) });
  }

  /** Throws a `NotFoundError` where the block is not here or was altered: what Helia knows how to take. */
  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    const found = await this.read(cid);
    if (!(found instanceof Uint8Array)) throw Object.assign(new Error(`${cid} is not here`), { name: "NotFoundError" });
    yield found;
  }

  /** Whether there is a block of that name, whole or not: who then gets it finds out, and nothing is read twice. */
  override async has(cid: CID): Promise<boolean> {
    return this.#db.has(blockKey(cid));
  }

  override async delete(cid: CID): Promise<void> {
    await this.#writer.alone(() => this.#remove([blockKey(cid)]));
  }

  /** Every block that is whole. Their CIDs are of the codec raw: what is kept is known by its hash alone. */
  override async *getAll(): AsyncGenerator<Pair> {
    for await (const key of this.#db.keys(BlockKeys.blocks)) {
      const cid = cidOfKey(key);
      const found = await this.read(cid);
      if (found instanceof Uint8Array) yield { cid, bytes: only(found) };
    }
  }

  /** The block; `missing`, or `corrupt` where it was altered and has just been moved away. */
  async read(cid: CID): Promise<Uint8Array | "missing" | "corrupt"> {
    const stored = await this.#load(cid);
    if (stored === undefined) return "missing";
    if (isBlockOf(cid, stored)) return stored;
    return this.#writer.alone(async () => {
      // Looked at again between the writes: one may have healed it meanwhile.
      const now = await this.#load(cid);
      if (now === undefined) return "missing";
      if (isBlockOf(cid, now)) return now;
      await this.#keepAside(cid, now);
      await this.#remove([blockKey(cid)]);
      return "corrupt";
    });
  }

  /** Every block with its bytes as they are. A page at a time: whoever takes hours for it keeps no old state on the disk. */
  async *contents(): AsyncGenerator<{ readonly cid: CID; readonly bytes: Uint8Array }> {
    for (let after: string | undefined; ; ) {
      const range = after === undefined ? BlockKeys.blocks : { gt: after, lt: BlockKeys.blocks.lt };
      const options = { ...range, limit: PAGE, highWaterMarkBytes: READ_AHEAD_BYTES };
      let last: string | undefined;
      for await (const [key, bytes] of this.#db.iterator(options as object)) {
        last = key;
        yield { cid: cidOfKey(key), bytes };
      }
      if (last === undefined) return;
      after = last;
    }
  }

  /** Every block whose age is known, by its key: without a look at the blocks themselves. */
  async *entries(): AsyncGenerator<StoredEntry> {
    for await (const [key, value] of this.#db.iterator(BlockKeys.born)) {
      const born = decodeBorn(value);
      if (born !== undefined) yield { key: blockKeyOfBorn(key), ...born };
    }
  }

  /**
   * Removes those of the blocks that are free still, looked at while nothing else writes: neither held, nor put since the
   * watch began, nor refused by `isFree`. Gives back those removed; "rooted" where roots came that were not taken yet.
   */
  async sweep(
    entries: readonly StoredEntry[],
    watch: Watch,
    isFree: (entry: StoredEntry) => boolean,
  ): Promise<StoredEntry[] | "rooted"> {
    return this.#writer.alone(async () => {
      if (watch.hasRoots()) return "rooted";
      const held = [...this.#held];
      const free = entries.filter(
        (entry) => isFree(entry) && !watch.touched.has(entry.key) && !held.some((keys) => keys.has(entry.key)),
      );
      await this.#remove(free.map(({ key }) => key));
      return free;
    });
  }

  hold(): GcHold {
    const held = new Set<string>();
    this.#held.add(held);
    return { add: (cid) => held.add(blockKey(cid)), release: () => this.#held.delete(held) };
  }

  watch(): Watch {
    const watch = { touched: new Set<string>(), roots: [] as Pin[] };
    this.#watches.add(watch);
    return {
      touched: watch.touched,
      takeRoots: () => watch.roots.splice(0),
      hasRoots: () => watch.roots.length > 0,
      end: () => this.#watches.delete(watch),
    };
  }

  async setRoot(root: Pin): Promise<void> {
    await this.#writer.write({ root });
  }

  async dropRoot(name: string): Promise<boolean> {
    return this.#writer.alone(async () => {
      if (!(await this.#db.has(pinKey(name)))) return false;
      await this.#db.del(pinKey(name), { sync: true } as object);
      return true;
    });
  }

  async getRoot(name: string): Promise<Pin | undefined> {
    const value = await this.#db.get(pinKey(name));
    return value === undefined ? undefined : parseRoot(value);
  }

  async *listRoots(): AsyncGenerator<Pin> {
    for await (const value of this.#db.values(BlockKeys.roots)) yield parseRoot(value);
  }

  /** The bytes as they are; empty where the engine itself cannot read them. */
  async #load(cid: CID): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#db.get(blockKey(cid));
      // The engine gives Buffers, which print and compare as something else than the bytes that were put.
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (cause) {
      if (/corruption/i.test(messageOf(cause))) return new Uint8Array();
      throw new ContentError("storage", `The block ${cid} could not be read.`, { cause, details: messageOf(cause) });
    }
  }

  async #remove(keys: readonly string[]): Promise<void> {
    const all = keys.flatMap((key) => [key, bornKey(key)]);
    await this.#db.batch(
      all.map((key) => ({ type: "del" as const, key })),
      { sync: true } as object,
    );
  }

  async #keepAside(cid: CID, bytes: Uint8Array): Promise<void> {
    await mkdir(this.#quarantine, { recursive: true, mode: 0o700 });
    if ((await readdir(this.#quarantine)).length >= MAX_QUARANTINED) return;
    await writeFile(join(this.#quarantine, `${cid}.${Date.now()}`), bytes, { mode: 0o600 });
  }
}

function parseRoot(value: Uint8Array): Pin {
  return JSON.parse(new TextDecoder().decode(value)) as Pin;
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function toBytes(value: Bytes): Promise<Uint8Array> {
  if (value instanceof Uint8Array) return value;
  const chunks: Uint8Array[] = [];
  for await (const chunk of value) chunks.push(chunk);
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Uint8Array.from(Buffer.concat(chunks));
}
