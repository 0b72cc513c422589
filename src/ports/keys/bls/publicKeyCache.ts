import { hexlify } from "ethers";
import type { LRUCache } from "lru-cache";
import { createLruCache } from "../../../utils/lruCache.js";

/** Larger than any committee; this many keys take some tens of megabytes. */
const MAX_KEYS = 65_536;

/** Caches decoded public keys by their bytes: decoding one costs more than verifying with it. */
export class PublicKeyCache<Key extends NonNullable<unknown>> {
  readonly #decode: (bytes: Uint8Array) => Key;
  readonly #keys: LRUCache<string, Key>;

  /**
   * @param decode Throws on bytes that are not a key; those are not cached.
   * @param max Keys cached; beyond it the least recently used are dropped.
   */
  constructor(decode: (bytes: Uint8Array) => Key, max = MAX_KEYS) {
    this.#decode = decode;
    this.#keys = createLruCache(max);
  }

  get(bytes: Uint8Array): Key {
    const name = hexlify(bytes);
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const key = this.#decode(bytes);
    this.#keys.set(name, key);
    return key;
  }
}
