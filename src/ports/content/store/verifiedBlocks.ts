import { join } from "node:path";
import { BaseBlockstore } from "blockstore-core";
import type { Pair } from "interface-blockstore";
import type { CID } from "multiformats/cid";
import { messageOf } from "../../../errors.js";
import type { Clock } from "../../../utils/clock.js";
import { isBlock } from "../cid.js";
import { ContentError, MAX_BLOCK_BYTES } from "../content.js";
import type { FileHashing } from "../hashing/fileHashing.js";
import type { Pin } from "../maintenance.js";
import {
  BlockKeys,
  blockKey,
  bornKey,
  cidOfKey,
  decodeOpenMs,
  encodeOpenMs,
  OPEN_KEY,
  rememberedOf,
} from "./blockKeys.js";
import { BlockWriter } from "./blockWriter.js";
import type { BlockDatabase } from "./engine/blockDatabase.js";
import { type DatabaseRepair, openDatabase } from "./engine/repair.js";
import { BlockFiles, holdsFiles, MIN_FILE_BYTES } from "./files/blockFiles.js";
import { moveLargeBlocks } from "./files/moveLargeBlocks.js";
import { Quarantine } from "./files/quarantine.js";
import { detailsOf, isNoSpace, writeError } from "./storeErrors.js";
import { StoreSession } from "./storeSession.js";
import { AgeTable, type BlockEntry } from "./tables/ageTable.js";
import { PinTable } from "./tables/pinTable.js";
import { type GcHold, type WriteWatch, WriteWatches } from "./writeWatches.js";

type Bytes = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

interface VerifiedBlocksDependencies {
  readonly db: BlockDatabase;
  readonly files: BlockFiles;
  readonly session: StoreSession;
  readonly quarantine: Quarantine;
  readonly repair: DatabaseRepair | undefined;
}

/**
 * Blocks on disk that are what their names say: checked when they are written and each time they are read. A write is
 * acknowledged once it is on the disk. A block that was altered is moved into `quarantine` and counts as missing, so
 * that it is fetched again. Small blocks are in a database, in which each block has its {@link BirthStamp}, and pins are, so
 * that a block and its pin are written in one step; a large block is a file of its own.
 */
export class VerifiedBlocks extends BaseBlockstore {
  /** What was repaired when the store was opened; undefined if nothing was. */
  readonly repair: DatabaseRepair | undefined;
  readonly pins: PinTable;
  readonly ages: AgeTable;
  readonly #db: BlockDatabase;
  readonly #files: BlockFiles;
  readonly #quarantine: Quarantine;
  readonly #writer: BlockWriter;
  readonly #session: StoreSession;
  readonly #watches = new WriteWatches();
  readonly #closing = new AbortController();
  readonly #moving: Promise<void>;

  private constructor({ db, files, session, quarantine, repair }: VerifiedBlocksDependencies) {
    super();
    this.repair = repair;
    this.#db = db;
    this.#files = files;
    this.#session = session;
    this.#quarantine = quarantine;
    this.#writer = new BlockWriter({ db, files, session, onWritten: (written) => this.#watches.onWritten(written) });
    const alone = <T>(work: () => Promise<T>) => this.#alone(work);
    this.pins = new PinTable({ db, writer: this.#writer, alone });
    this.ages = new AgeTable({ db, files, session, alone });
    // If it fails, such as on a full disk, the next opening goes on: both places are read.
    this.#moving = moveLargeBlocks({ db, files, writer: this.#writer }, this.#closing.signal).catch(() => undefined);
  }

  /** Opens the store in a folder, repairs its database first if it is damaged, and makes a new one only in an empty folder. */
  static async open(dir: string, clock: Clock): Promise<VerifiedBlocks> {
    const session = new StoreSession(clock);
    const quarantine = join(dir, "quarantine");
    const isNew = !(await holdsFiles(dir));
    const { db, repair } = await openDatabase(join(dir, "blocks"), { quarantine, isNew, remember: rememberedOf });
    try {
      // Only now, with the database locked: another process may be writing files.
      const files = new BlockFiles(dir);
      await files.open();
      session.continueFrom(decodeOpenMs(await db.get(OPEN_KEY)));
      return new VerifiedBlocks({ db, files, session, quarantine: new Quarantine(quarantine, clock), repair });
    } catch (error) {
      await db.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#moving;
    await this.#writer.settled();
    await this.storeOpenMs();
    await this.#db.close();
  }

  /**
   * Stores for how long the store has been open. If that fails, or the process is killed before the next call, blocks seem
   * younger than they are, and stay for longer: a full disk must not keep gc from freeing it.
   */
  async storeOpenMs(): Promise<void> {
    const value = encodeOpenMs(this.#session.openMs);
    await this.#db.batch([{ type: "put", key: OPEN_KEY, value }]).catch(() => undefined);
  }

  override async put(cid: CID, value: Bytes): Promise<CID> {
    await this.write(cid, await toBytes(value));
    return cid;
  }

  /**
   * Writes a block, over an altered one too, and its pin with it. Resolves once they are on the disk.
   * @throws {ContentError} `corrupt` if the bytes are not the block, `too-large`, `no-space`, `storage`.
   */
  async write(cid: CID, bytes: Uint8Array, pin?: Pin): Promise<void> {
    if (bytes.length > MAX_BLOCK_BYTES)
      throw new ContentError("too-large", `The block ${cid} is over the limit of ${MAX_BLOCK_BYTES} bytes.`);
    // Copied: the caller may change its bytes before they are written.
    const own = bytes.slice();
    if (!(await isBlock(cid, own)))
      throw new ContentError("corrupt", `Bytes that are not the block ${cid} were refused.`);
    await this.writeOwn(cid, own, pin);
  }

  /** As {@link write}, of bytes that the caller has made the CID of, that are a block at most, and that nobody changes any more. */
  async writeOwn(cid: CID, bytes: Uint8Array, pin?: Pin): Promise<void> {
    const withPin = pin === undefined ? {} : { pin };
    if (bytes.length < MIN_FILE_BYTES) return this.#writer.write({ block: { cid, bytes }, ...withPin });
    const key = blockKey(cid);
    try {
      const here = this.#files.isCertain(key) ? await this.#files.read(key) : undefined;
      const isHere = here !== undefined && (await isBlock(cid, here));
      const file = isHere ? { key, bytes, path: undefined } : await this.#files.stage(key, bytes);
      await this.#writer.write({ file, ...withPin });
    } catch (cause) {
      throw writeError(cause);
    }
  }

  /** Throws a `NotFoundError`, which Helia handles, if the block is not here or is altered. */
  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    const found = await this.read(cid);
    if (!(found instanceof Uint8Array)) throw Object.assign(new Error(`${cid} is not here`), { name: "NotFoundError" });
    yield found;
  }

  /** Whether there is a block of that hash, altered or not: {@link get} checks it, and no block is read twice. */
  override async has(cid: CID): Promise<boolean> {
    return (await this.#db.has(blockKey(cid))) || this.#files.has(blockKey(cid));
  }

  override async delete(cid: CID): Promise<void> {
    await this.#alone(() => this.#remove([blockKey(cid)]));
  }

  /** Every unaltered block. Their CIDs are of the codec raw: the store knows hashes and no codecs. */
  override async *getAll(): AsyncGenerator<Pair> {
    for (const keys of [this.#db.keys(BlockKeys.blocks), this.#files.keys()]) {
      for await (const key of keys) {
        const cid = cidOfKey(key);
        const found = await this.read(cid);
        if (found instanceof Uint8Array) yield { cid, bytes: only(found) };
      }
    }
  }

  /** The block; `missing`, or `corrupt` if it was altered and has just been moved into quarantine. */
  async read(cid: CID): Promise<Uint8Array | "missing" | "corrupt"> {
    const stored = await this.#load(cid);
    if (stored === undefined) return "missing";
    if (await isBlock(cid, stored)) return stored;
    return this.#alone(async () => {
      // Read again between the writes: one of them may have repaired it.
      const now = await this.#load(cid);
      if (now === undefined) return "missing";
      if (await isBlock(cid, now)) return now;
      try {
        await this.#quarantine.keep(cid, now, this.#files);
        await this.#remove([blockKey(cid)]);
      } catch (error) {
        // It stays until there is space: what is put under its name replaces it all the same.
        if (!isNoSpace(error)) throw error;
      }
      return "corrupt";
    });
  }

  /**
   * The block if it is a file and whole; undefined otherwise: {@link read} finds out why.
   * @param buffer Where it is read to, of {@link MAX_BLOCK_BYTES} and one more.
   * @param block Computes the sha256; the bytes that it gives back are returned.
   */
  async readLeaf(cid: CID, buffer: Uint8Array, block: FileHashing["block"]): Promise<Uint8Array | undefined> {
    const stored = await this.#files.read(blockKey(cid), buffer);
    if (stored === undefined) return undefined;
    const { bytes, digest } = await block(stored);
    return Buffer.compare(digest, cid.multihash.digest) === 0 ? bytes : undefined;
  }

  /** Every block with its bytes, unchecked. */
  async *contents(): AsyncGenerator<{ readonly cid: CID; readonly bytes: Uint8Array }> {
    for await (const [key, bytes] of this.#db.entries(BlockKeys.blocks)) yield { cid: cidOfKey(key), bytes };
    for await (const key of this.#files.keys()) {
      const bytes = await this.#files.read(key);
      // Undefined if it was removed meanwhile.
      if (bytes !== undefined) yield { cid: cidOfKey(key), bytes };
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
    return this.#alone(async () => {
      if (watch.hasPins()) return "pinned";
      const free = entries.filter(
        (entry) => isFree(entry) && !watch.touched.has(entry.key) && !this.#watches.isHeld(entry.key),
      );
      await this.#remove(free.map(({ key }) => key));
      return free;
    });
  }

  hold(): GcHold {
    return this.#watches.hold();
  }

  watch(): WriteWatch {
    return this.#watches.watch();
  }

  /** Runs `work` while nothing else writes; what the disk refuses is a {@link ContentError}. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#writer.alone(work);
    } catch (error) {
      throw writeError(error);
    }
  }

  /** The bytes, unchecked; empty if the engine itself cannot read them. */
  async #load(cid: CID): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#db.get(blockKey(cid));
      // The engine returns Buffers, which do not compare as equal to the Uint8Array that was put.
      if (bytes === undefined) return await this.#files.read(blockKey(cid));
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (cause) {
      if (/corruption/i.test(messageOf(cause))) return new Uint8Array();
      throw new ContentError("storage", `The block ${cid} could not be read.`, { cause, details: detailsOf(cause) });
    }
  }

  /** Files first: on a full disk they make the space that the database needs. */
  async #remove(keys: readonly string[]): Promise<void> {
    await this.#files.remove(keys);
    await this.#db.batch(
      keys.flatMap((key) => [key, bornKey(key)].map((each) => ({ type: "del" as const, key: each }))),
    );
  }
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
