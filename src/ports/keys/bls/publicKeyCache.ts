import { hexlify } from "ethers";

/** Above any committee; a ring this full holds some tens of megabytes. */
const MAX_KEYS = 65_536;

/** Decodes each public key once, which costs more than all else that is done with it, and keeps it by its bytes. */
export class PublicKeyCache<Key> {
  readonly #decode: (bytes: Uint8Array) => Key;
  readonly #max: number;
  readonly #keys = new Map<string, Key>();

  /** `decode` throws on what is no key; such bytes are not kept. Beyond `max` keys the oldest are dropped. */
  constructor(decode: (bytes: Uint8Array) => Key, max = MAX_KEYS) {
    this.#decode = decode;
    this.#max = max;
  }

  get(bytes: Uint8Array): Key {
    const name = hexlify(bytes);
    const known = this.#keys.get(name);
    if (known !== undefined) return known;

    const key = this.#decode(bytes);
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size < this.#max) break;
      this.#keys.delete(oldest);
    }
    this.#keys.set(name, key);
    return key;
  }
}
