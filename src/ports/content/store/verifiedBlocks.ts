import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BaseBlockstore } from "blockstore-core";
import type { Pair } from "interface-blockstore";
import { Level } from "level";
import type { CID } from "multiformats/cid";
import { messageOf } from "../../../errors.js";
import type { Clock } from "../../../utils/clock.js";
import { isBlockOf } from "../cid.js";
import { ContentError, MAX_BLOCK_BYTES } from "../content.js";
import type { Pin } from "../maintenance.js";
import {
  BlockKeys,
  blockKey,
  blockKeyOfBorn,
  bornKey,
  cidOfKey,
  decodeBorn,
  decodeOpenMs,
  encodeBorn,
  encodeOpenMs,
  OPEN_KEY,
  pinKey,
} from "./blockKeys.js";
import { BlockWriter } from "./blockWriter.js";
import { type BlockAge, StoreSession } from "./storeSession.js";

type Bytes = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Blocks that gc spares while they are held: those of a file whose pin is not written yet. */
export interface GcHold {
  add(cid: CID): void;
  release(): void;
}

/** What is written while gc runs, which gc therefore must spare. */
export interface WriteWatch {
  readonly touched: ReadonlySet<string>;
  /** Pins set since the last call. */
  drainPins(): Pin[];
  hasPins(): boolean;
  end(): void;
}

export interface BlockEntry extends BlockAge {
  readonly key: string;
  /** When it was last put or fetched, in milliseconds since 1970. */
  readonly at: number;
  readonly bytes: number;
}

/** Altered blocks kept for the operator to inspect: 64 MiB at most. Further ones are removed. */
const MAX_QUARANTINED = 64;
/** The engine sorts writes into files once it has so many bytes: with less, it sorts a large file many times. */
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;
/** The engine maps its files, of 2 MiB each, into memory as it reads them; this is the lowest bound that it accepts. */
const MAX_OPEN_FILES = 74;
/** Bytes that an iterator reads ahead. */
const READ_AHEAD_BYTES = 1024 * 1024;
/** Blocks that are read from one snapshot of the engine. */
const PAGE = 256;

/**
 * Blocks on disk that are what their names say: checked when they are written and each time they are read. A write is
 * acknowledged once it is on the disk. A block that was altered is moved into `quarantine` and counts as missing, so
 * that it is fetched again. Beside each block its {@link BirthStamp} is stored. Pins are in the same database, so that a
 * block and its pin are written in one step.
 */
export class VerifiedBlocks extends BaseBlockstore {
  readonly #db: Level<string, Uint8Array>;
  readonly #quarantine: string;
  readonly #writer: BlockWriter;
  readonly #clock: Clock;
  readonly #session: StoreSession;
  readonly #held = new Set<Set<string>>();
  readonly #watches = new Set<{ touched: Set<string>; pins: Pin[] }>();

  constructor(dir: string, clock: Clock) {
    super();
    this.#clock = clock;
    this.#session = new StoreSession(clock);
    this.#db = new Level(join(dir, "blocks"), { keyEncoding: "utf8", valueEncoding: "view" });
    this.#quarantine = join(dir, "quarantine");
    this.#writer = new BlockWriter(this.#db, this.#session, ({ keys, pins }) => {
      for (const watch of this.#watches) {
        for (const key of keys) watch.touched.add(key);
        watch.pins.push(...pins);
      }
    });
  }

  async open(): Promise<void> {
    // Blocks are hashes and weights, which do not compress.
    await this.#db.open({
      compression: false,
      writeBufferSize: WRITE_BUFFER_BYTES,
      maxOpenFiles: MAX_OPEN_FILES,
    } as object);
    this.#session.continueFrom(decodeOpenMs(await this.#db.get(OPEN_KEY)));
  }

  async close(): Promise<void> {
    await this.#writer.settled();
    if (this.#db.status === "open") await this.storeOpenMs();
    await this.#db.close();
  }

  /**
   * Stores for how long the store has been open. If that fails, or the process is killed before the next call, blocks seem
   * younger than they are, and stay for longer: a full disk must not keep gc from freeing it.
   */
  async storeOpenMs(): Promise<void> {
    const value = encodeOpenMs(this.#session.openMs);
    await this.#db.put(OPEN_KEY, value, { sync: true } as object).catch(() => undefined);
  }

  override async put(cid: CID, value: Bytes): Promise<CID> {
    await this.write(cid, await toBytes(value));
    return cid;
  }

  /**
   * Writes a block, over an altered one too, and its pin with it. Resolves once they are on the disk.
   * @throws {ContentError} `corrupt` if the bytes are not the block, `too-large`, `storage`.
   */
  async write(cid: CID, bytes: Uint8Array, pin?: Pin): Promise<void> {
    if (bytes.length > MAX_BLOCK_BYTES)
      throw new ContentError("too-large", `The block ${cid} is over the limit of ${MAX_BLOCK_BYTES} bytes.`);
    if (!isBlockOf(cid, bytes)) throw new ContentError("corrupt", `Bytes that are not the block ${cid} were refused.`);
    // Copied: the caller may change its bytes before they are written.
    await this.#writer.write({ block: { cid, bytes: bytes.slice() }, ...(pin ? { pin } : {}) });
  }

  /** Throws a `NotFoundError`, which Helia handles, if the block is not here or is altered. */
  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    const found = await this.read(cid);
    if (!(found instanceof Uint8Array)) throw Object.assign(new Error(`${cid} is not here`), { name: "NotFoundError" });
    yield found;
  }

  /** Whether there is a block of that hash, altered or not: {@link get} checks it, and no block is read twice. */
  override async has(cid: CID): Promise<boolean> {
    return this.#db.has(blockKey(cid));
  }

  override async delete(cid: CID): Promise<void> {
    await this.#writer.alone(() => this.#remove([blockKey(cid)]));
  }

  /** Every unaltered block. Their CIDs are of the codec raw: the store knows hashes and no codecs. */
  override async *getAll(): AsyncGenerator<Pair> {
    for await (const key of this.#db.keys(BlockKeys.blocks)) {
      const cid = cidOfKey(key);
      const found = await this.read(cid);
      if (found instanceof Uint8Array) yield { cid, bytes: only(found) };
    }
  }

  /** The block; `missing`, or `corrupt` if it was altered and has just been moved into quarantine. */
  async read(cid: CID): Promise<Uint8Array | "missing" | "corrupt"> {
    const stored = await this.#load(cid);
    if (stored === undefined) return "missing";
    if (isBlockOf(cid, stored)) return stored;
    return this.#writer.alone(async () => {
      // Read again between the writes: one of them may have repaired it.
      const now = await this.#load(cid);
      if (now === undefined) return "missing";
      if (isBlockOf(cid, now)) return now;
      await this.#quarantineBlock(cid, now);
      await this.#remove([blockKey(cid)]);
      return "corrupt";
    });
  }

  /** Every block with its bytes, unchecked. Read by pages: a snapshot held for hours would keep removed blocks on the disk. */
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

  /** Every block of known age, by its key; the blocks themselves are not read. */
  async *entries(): AsyncGenerator<BlockEntry> {
    for await (const [key, value] of this.#db.iterator(BlockKeys.born)) {
      const born = decodeBorn(value);
      if (born === undefined) continue;
      yield { key: blockKeyOfBorn(key), at: born.at, bytes: born.bytes, ...this.#session.ageOf(born) };
    }
  }

  /**
   * Removes those of the blocks that may still be removed, checked while nothing else writes: neither held, nor put since
   * the watch began, nor refused by `isFree`. Resolves to those removed; to "pinned" if pins were set that the caller has
   * not drained yet.
   */
  async sweep(
    entries: readonly BlockEntry[],
    watch: WriteWatch,
    isFree: (entry: BlockEntry) => boolean,
  ): Promise<BlockEntry[] | "pinned"> {
    return this.#writer.alone(async () => {
      if (watch.hasPins()) return "pinned";
      const held = [...this.#held];
      const free = entries.filter(
        (entry) => isFree(entry) && !watch.touched.has(entry.key) && !held.some((keys) => keys.has(entry.key)),
      );
      await this.#remove(free.map(({ key }) => key));
      return free;
    });
  }

  /** Dates blocks anew, as put now, unless they were removed or put again meanwhile. */
  async restamp(entries: readonly BlockEntry[]): Promise<void> {
    await this.#writer.alone(async () => {
      const stamps = await this.#db.getMany(entries.map(({ key }) => bornKey(key)));
      const old = entries.filter(({ at }, index) => decodeBorn(stamps[index])?.at === at);
      await this.#db.batch(
        old.map(({ key, bytes }) => ({
          type: "put" as const,
          key: bornKey(key),
          value: encodeBorn(this.#session.stamp(bytes)),
        })),
        { sync: true } as object,
      );
    });
  }

  hold(): GcHold {
    const held = new Set<string>();
    this.#held.add(held);
    return { add: (cid) => held.add(blockKey(cid)), release: () => this.#held.delete(held) };
  }

  watch(): WriteWatch {
    const watch = { touched: new Set<string>(), pins: [] as Pin[] };
    this.#watches.add(watch);
    return {
      touched: watch.touched,
      drainPins: () => watch.pins.splice(0),
      hasPins: () => watch.pins.length > 0,
      end: () => this.#watches.delete(watch),
    };
  }

  async setPin(pin: Pin): Promise<void> {
    await this.#writer.write({ pin });
  }

  async dropPin(name: string): Promise<boolean> {
    return this.#writer.alone(async () => {
      if (!(await this.#db.has(pinKey(name)))) return false;
      await this.#db.del(pinKey(name), { sync: true } as object);
      return true;
    });
  }

  async getPin(name: string): Promise<Pin | undefined> {
    const value = await this.#db.get(pinKey(name));
    return value === undefined ? undefined : parsePin(value);
  }

  async *listPins(): AsyncGenerator<Pin> {
    for await (const value of this.#db.values(BlockKeys.pins)) yield parsePin(value);
  }

  /** The bytes, unchecked; empty if the engine itself cannot read them. */
  async #load(cid: CID): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#db.get(blockKey(cid));
      // The engine returns Buffers, which do not compare as equal to the Uint8Array that was put.
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

  async #quarantineBlock(cid: CID, bytes: Uint8Array): Promise<void> {
    await mkdir(this.#quarantine, { recursive: true, mode: 0o700 });
    if ((await readdir(this.#quarantine)).length >= MAX_QUARANTINED) return;
    await writeFile(join(this.#quarantine, `${cid}.${this.#clock.now()}`), bytes, { mode: 0o600 });
  }
}

function parsePin(value: Uint8Array): Pin {
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
