import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BaseBlockstore } from "blockstore-core";
import { LevelBlockstore } from "blockstore-level";
import type { Pair } from "interface-blockstore";
import { Level } from "level";
import type { CID } from "multiformats/cid";
import { messageOf } from "../../errors.js";
import { isBlockOf } from "./cid.js";
import { ContentError, MAX_BLOCK_BYTES } from "./content.js";

type Bytes = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Altered blocks kept for whoever looks into the disk: 64 MiB at most. Later ones are removed all the same. */
const MAX_QUARANTINED = 64;

/**
 * Blocks on disk that are what their names say: checked when they are written and each time they are read. A write is
 * acknowledged once it is on the disk. A block that was altered is moved into `quarantine` and counts as missing, so
 * that it is fetched again and heals.
 */
export class VerifiedBlocks extends BaseBlockstore {
  readonly #blocks: LevelBlockstore;
  readonly #quarantine: string;
  /** The last write of each block that is being written, so that no removal overtakes it. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(dir: string) {
    super();
    const db = new DurableLevel(join(dir, "blocks"), { keyEncoding: "utf8", valueEncoding: "view" });
    this.#blocks = new LevelBlockstore(db);
    this.#quarantine = join(dir, "quarantine");
  }

  open(): Promise<void> {
    return this.#blocks.open();
  }

  close(): Promise<void> {
    return this.#blocks.close();
  }

  /**
   * Writes a block, in place of an altered one too. Resolves once it is on the disk.
   * @throws {ContentError} `corrupt` where the bytes are not the block, `too-large`, `storage`.
   */
  override async put(cid: CID, value: Bytes): Promise<CID> {
    const bytes = await toBytes(value);
    if (bytes.length > MAX_BLOCK_BYTES) throw new ContentError("too-large", `The block ${cid} is too large to keep.`);
    if (!isBlockOf(cid, bytes)) throw new ContentError("corrupt", `Bytes that are not the block ${cid} were refused.`);
    await this.#inTurn(cid, async () => {
      const stored = await this.#load(cid);
      if (stored !== undefined && isBlockOf(cid, stored)) return;
      await this.#blocks.put(cid, bytes).catch((cause: unknown) => {
        throw new ContentError("storage", `The block ${cid} could not be written.`, {
          cause,
          details: messageOf(cause),
        });
      });
    });
    return cid;
  }

  /** Throws a `NotFoundError` where the block is not here or was altered: what Helia knows how to take. */
  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    const found = await this.read(cid);
    if (!(found instanceof Uint8Array)) throw Object.assign(new Error(`${cid} is not here`), { name: "NotFoundError" });
    yield found;
  }

  override async has(cid: CID): Promise<boolean> {
    return (await this.read(cid)) instanceof Uint8Array;
  }

  override async delete(cid: CID): Promise<void> {
    await this.#inTurn(cid, () => this.#blocks.delete(cid));
  }

  /** Every block that is whole. Their CIDs are of the codec raw: what is kept is known by its hash alone. */
  override async *getAll(): AsyncGenerator<Pair> {
    for await (const { cid } of this.#blocks.getAll()) {
      const found = await this.read(cid);
      if (found instanceof Uint8Array) yield { cid, bytes: only(found) };
    }
  }

  /** The block; `missing`, or `corrupt` where it was altered and has just been moved away. */
  async read(cid: CID): Promise<Uint8Array | "missing" | "corrupt"> {
    const stored = await this.#load(cid);
    if (stored === undefined) return "missing";
    if (isBlockOf(cid, stored)) return stored;
    return this.#inTurn(cid, async () => {
      // Looked at again in its turn: a write may have healed it meanwhile.
      const now = await this.#load(cid);
      if (now === undefined) return "missing";
      if (isBlockOf(cid, now)) return now;
      await this.#keepAside(cid, now);
      await this.#blocks.delete(cid);
      return "corrupt";
    });
  }

  /** The bytes as they are; empty where the engine itself cannot read them. */
  async #load(cid: CID): Promise<Uint8Array | undefined> {
    try {
      const bytes = await toBytes(this.#blocks.get(cid));
      // The engine gives Buffers, which print and compare as something else than the bytes that were put.
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (cause) {
      if (cause instanceof Error && cause.name === "NotFoundError") return undefined;
      if (/corruption/i.test(messageOf(cause))) return new Uint8Array();
      throw new ContentError("storage", `The block ${cid} could not be read.`, { cause, details: messageOf(cause) });
    }
  }

  async #keepAside(cid: CID, bytes: Uint8Array): Promise<void> {
    await mkdir(this.#quarantine, { recursive: true, mode: 0o700 });
    if ((await readdir(this.#quarantine)).length >= MAX_QUARANTINED) return;
    await writeFile(join(this.#quarantine, `${cid}.${Date.now()}`), bytes, { mode: 0o600 });
  }

  async #inTurn<T>(cid: CID, work: () => Promise<T>): Promise<T> {
    const key = Buffer.from(cid.multihash.digest).toString("hex");
    const before = this.#turns.get(key);
    // One after another whether or not the one before succeeded: its failure is its own caller's.
    const turn = before === undefined ? work() : before.then(work, work);
    this.#turns.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }
}

/** Level that acknowledges a write once it is on the disk (fsync of its log), not once the system has heard of it. */
class DurableLevel extends Level<string, Uint8Array> {
  override put(key: string, value: Uint8Array): Promise<void>;
  override put<K, V>(key: K, value: V, options?: object): Promise<void>;
  override put(key: string, value: Uint8Array, options: object = {}): Promise<void> {
    return super.put(key, value, { ...options, sync: true } as object);
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
