import { encodeBase58, encodeBytes32String, getBytes, toUtf8Bytes, toUtf8String, Utf8ErrorFuncs } from "ethers";
import { InvalidInputError } from "../../errors.js";
import type { Hex } from "../../records/index.js";

/** The most bytes of a name that contracts store in one word: the 32nd ends the text. */
const MAX_NAME_BYTES = 31;

/**
 * A short name, such as "learning.rounds", as contracts store it: left-aligned in a bytes32.
 *
 * @throws {@link InvalidInputError} if it is empty or over 31 bytes of UTF-8.
 */
export function encodeName(name: string): Hex {
  const { length } = toUtf8Bytes(name);
  if (length === 0 || length > MAX_NAME_BYTES) {
    throw new InvalidInputError(`A name on chain has 1 to ${MAX_NAME_BYTES} bytes; "${name}" has ${length}.`);
  }
  return encodeBytes32String(name) as Hex;
}

/** The name in a bytes32; the word itself if {@link encodeName} cannot have written it. */
export function decodeName(word: string): string {
  const bytes = getBytes(word);
  const text = toUtf8String(bytes.slice(0, bytes.findLastIndex((byte) => byte !== 0) + 1), Utf8ErrorFuncs.replace);
  const { length } = toUtf8Bytes(text);
  return length > 0 && length <= MAX_NAME_BYTES && encodeBytes32String(text) === word ? text : word;
}

/** The base58 text of a libp2p peer id, which the chain stores as the bytes of a multihash. */
export function peerIdText(bytes: string): string {
  return encodeBase58(bytes);
}
