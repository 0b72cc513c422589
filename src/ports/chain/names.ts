import { encodeBase58, encodeBytes32String, getBytes, toUtf8Bytes, toUtf8String, Utf8ErrorFuncs } from "ethers";
import { InvalidInputError } from "../../errors.js";
import type { Hex } from "../../records/index.js";

/** Bytes of a name that contracts keep in one word. */
const MAX_NAME_BYTES = 31;

/**
 * A short name, such as "learning.rounds", as contracts keep it: left-aligned in a bytes32.
 *
 * @throws {@link InvalidInputError} when it is empty or over 31 bytes of UTF-8.
 */
export function encodeName(name: string): Hex {
  const { length } = toUtf8Bytes(name);
  if (length === 0 || length > MAX_NAME_BYTES) {
    throw new InvalidInputError(`A name on chain has 1 to ${MAX_NAME_BYTES} bytes; "${name}" has ${length}.`);
  }
  return encodeBytes32String(name) as Hex;
}

/** The name in a bytes32; the word itself where it is none that {@link encodeName} makes. */
export function decodeName(word: string): string {
  const bytes = getBytes(word);
  const text = toUtf8String(bytes.slice(0, bytes.findLastIndex((byte) => byte !== 0) + 1), Utf8ErrorFuncs.replace);
  const { length } = toUtf8Bytes(text);
  return length > 0 && length <= MAX_NAME_BYTES && encodeBytes32String(text) === word ? text : word;
}

/** A libp2p peer id, a multihash, as text. */
export function peerIdText(bytes: string): string {
  return encodeBase58(bytes);
}
