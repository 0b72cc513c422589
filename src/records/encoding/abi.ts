import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import type { Address } from "../types.js";

/** A 32-byte word as `abi.encode` writes an unsigned integer. */
export function uintWord(value: number | bigint): Uint8Array {
  return hexToBytes(BigInt(value).toString(16).padStart(64, "0"));
}

/** A 32-byte word as `abi.encode` writes an address. */
export function addressWord(address: Address): Uint8Array {
  return hexToBytes(address.slice(2).toLowerCase().padStart(64, "0"));
}

/** The words of an `abi.encode`, joined. */
export function joinWords(...words: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...words);
}
