import { isUtf8 } from "node:buffer";
import { json } from "@helia/json";
import { BaseBlockstore } from "blockstore-core";
import type { CID } from "multiformats/cid";
import { InvalidInputError } from "../../errors.js";
import { codecOfCid } from "../../records/index.js";
import { parseCid } from "./cid.js";
import { ContentError, type ContentStore, type GetOptions, type PutOptions } from "./content.js";

/** JSON on IPFS, for people and for other languages. What Witan signs and anchors is dag-cbor: see records/codec.ts. */
export interface JsonContent {
  /**
   * Stores a JSON value in one block of the codec `json`. Keys are sorted by UTF-16 code units (RFC 8785), except that keys
   * such as `7` come first, by number: the same value has one CID, whatever the order of its keys. A property
   * that is undefined is left out, and -0 is written as 0.
   *
   * @throws {InvalidInputError} if the value has a part that JSON cannot express: NaN, a bigint, a Date, a Map.
   * @throws {ContentError} as {@link ContentStore.put}.
   */
  put(value: unknown, options?: PutOptions): Promise<string>;
  /**
   * The value of a block, checked against its hash; not checked against any schema.
   *
   * @throws {ContentError} as {@link ContentStore.get}; `invalid-cid` if the codec is not `json`, `corrupt` if the block is
   * not JSON in UTF-8, or has a number that a double cannot hold.
   */
  get(cid: string, options?: GetOptions): Promise<unknown>;
}

/** Deeper than any document of ours; without a bound, a deep value overflows the stack. */
const MAX_DEPTH = 64;

/**
 * JSON over any content store.
 *
 * @example
 * const documents = createJsonContent(content);
 * const cid = await documents.put({ chainId: 31337, contracts: {} }, { keep: "network" });
 * const network = await documents.get(cid);
 */
export function createJsonContent(store: Pick<ContentStore, "put" | "get">): JsonContent {
  return {
    async put(value, options = {}) {
      const cid = await json({ blockstore: new StoreBlocks(store, options, {}) }).add(sorted(value, 0));
      return cid.toString();
    },
    async get(cid, options = {}) {
      const parsed = parseCid(cid);
      if (codecOfCid(cid) !== "json")
        throw new ContentError("invalid-cid", `${cid} is not the CID of a JSON document.`);
      try {
        const value: unknown = await json({ blockstore: new StoreBlocks(store, {}, options) }).get(parsed);
        requireFinite(value);
        return value;
      } catch (cause) {
        if (!(cause instanceof SyntaxError)) throw cause;
        throw new ContentError("corrupt", `The block ${cid} is not JSON.`, { cause });
      }
    },
  };
}

/** A content store as the blockstore that Helia's json wants, for one call with its options. */
class StoreBlocks extends BaseBlockstore {
  readonly #store: Pick<ContentStore, "put" | "get">;
  readonly #putOptions: PutOptions;
  readonly #getOptions: GetOptions;

  constructor(store: Pick<ContentStore, "put" | "get">, putOptions: PutOptions, getOptions: GetOptions) {
    super();
    this.#store = store;
    this.#putOptions = putOptions;
    this.#getOptions = getOptions;
  }

  override async put(cid: CID, bytes: unknown): Promise<CID> {
    if (!(bytes instanceof Uint8Array)) throw new TypeError(`The block ${cid} is not in one piece`);
    await this.#store.put(bytes, { ...this.#putOptions, codec: "json" });
    return cid;
  }

  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    const bytes = await this.#store.get(cid.toString(), this.#getOptions);
    // Helia's codec replaces malformed UTF-8: two different blocks would have one value.
    if (!isUtf8(bytes)) throw new SyntaxError("malformed UTF-8");
    yield bytes;
  }
}

/** A number such as 1e400 is read as Infinity, which JSON cannot express. */
function requireFinite(value: unknown): void {
  const pending = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next === "number" && !Number.isFinite(next))
      throw new SyntaxError("a number beyond the range of doubles");
    if (typeof next === "object" && next !== null) for (const each of Object.values(next)) pending.push(each);
  }
}

/** A copy with the keys of every object in order. */
function sorted(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new InvalidInputError(`A JSON value is nested ${MAX_DEPTH} deep at most`);
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return Array.from(value, (each) => sorted(each, depth + 1));
  if (typeof value !== "object" || !isPlain(value)) {
    throw new InvalidInputError(
      `JSON cannot express ${typeof value === "object" ? "an object of a class" : String(value)}`,
    );
  }
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  // By UTF-16 code units, as sort compares strings.
  const keys = entries.map(([key]) => key).sort();
  const byKey = new Map(entries);
  return Object.fromEntries(keys.map((key) => [key, sorted(byKey.get(key), depth + 1)]));
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
