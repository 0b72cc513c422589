import { decodeBytes32String, encodeBase58, encodeBytes32String, isError, toUtf8Bytes } from "ethers";
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

/** The name in a bytes32; the word itself where it holds no text. */
export function decodeName(word: string): string {
  try {
    return decodeBytes32String(word);
  } catch (error) {
    if (isError(error, "INVALID_ARGUMENT")) return word;
    throw error;
  }
}

/** A libp2p peer id, a multihash, as text. */
export function peerIdText(bytes: string): string {
  return encodeBase58(bytes);
}
