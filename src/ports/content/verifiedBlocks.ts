import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BaseBlockstore } from "blockstore-core";
import type { Pair } from "interface-blockstore";
import { Level } from "level";
import { CID } from "multiformats/cid";
import { isBlockOf } from "./cid.js";
import { ContentError } from "./content.js";

type Bytes = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Blocks on disk that are what their names say: checked when they are written and each time they are read. A write is
 * acknowledged once it is on the disk. A block that was altered is moved into a folder of its own and counts as
 * missing, so that it is fetched again and heals.
 */
export class VerifiedBlocks extends BaseBlockstore {
  readonly #db: Level<string, Uint8Array>;
  readonly #quarantine: string;

  constructor(dir: string) {
    super();
    this.#db = new Level(join(dir, "blocks"), { keyEncoding: "utf8", valueEncoding: "view" });
    this.#quarantine = join(dir, "quarantine");
  }

  open(): Promise<void> {
    return this.#db.open();
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  override async put(cid: CID, value: Bytes): Promise<CID> {
    const bytes = await toBytes(value);
    if (!isBlockOf(cid, bytes)) throw new ContentError("corrupt", `Bytes that are not the block ${cid} were refused.`);
    // `sync` is an option of the native engine that Level uses on Node.
    await this.#db.put(cid.toString(), bytes, { sync: true } as object);
    return cid;
  }

  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    const bytes = await this.read(cid);
    if (bytes === undefined) throw Object.assign(new Error(`${cid} is not here`), { name: "NotFoundError" });
    yield bytes;
  }

  override async has(cid: CID): Promise<boolean> {
    return (await this.read(cid)) !== undefined;
  }

  override async delete(cid: CID): Promise<void> {
    await this.#db.del(cid.toString());
  }

  override async *getAll(): AsyncGenerator<Pair> {
    for await (const key of this.#db.keys()) {
      const cid = CID.parse(key);
      const bytes = await this.read(cid);
      if (bytes === undefined) continue;
      yield {
        cid,
        bytes: (async function* () {
          yield bytes;
        })(),
      };
    }
  }

  /** The block, whole and unaltered, or undefined. */
  async read(cid: CID): Promise<Uint8Array | undefined> {
    const key = cid.toString();
    const stored = await this.#db.get(key);
    if (stored === undefined) return undefined;
    // The engine gives Buffers, which compare and print as something else than the bytes that were put.
    const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    if (isBlockOf(cid, bytes)) return bytes;
    await mkdir(this.#quarantine, { recursive: true });
    await writeFile(join(this.#quarantine, key), bytes);
    await this.#db.del(key);
    return undefined;
  }
}

async function toBytes(value: Bytes): Promise<Uint8Array> {
  if (value instanceof Uint8Array) return value;
  const chunks: Uint8Array[] = [];
  for await (const chunk of value) chunks.push(chunk);
  return Uint8Array.from(Buffer.concat(chunks));
}
