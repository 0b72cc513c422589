import { hexlify } from "ethers";
import { LRUCache } from "lru-cache";

/** Above any committee; this many keys take some tens of megabytes. */
const MAX_KEYS = 65_536;

/** Decodes each public key once, which costs more than verifying with it, and keeps it by its bytes. */
export class PublicKeyCache<Key extends NonNullable<unknown>> {
  readonly #decode: (bytes: Uint8Array) => Key;
  readonly #keys: LRUCache<string, Key>;

  /** `decode` throws on bytes that are not a key; they are not kept. Beyond `max` keys the least recently used go. */
  constructor(decode: (bytes: Uint8Array) => Key, max = MAX_KEYS) {
    this.#decode = decode;
    this.#keys = new LRUCache({ max });
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
