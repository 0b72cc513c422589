import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Hex } from "../types.js";

/** The bytes of `0x...`. @throws {Error} if it is not hexadecimal or of odd length. */
export function bytesOf(hex: Hex): Uint8Array {
  return hexToBytes(hex.slice(2));
}

/** `0x...` of bytes. */
export function hexOf(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`;
}

/** The bytes of text in UTF-8. */
export function utf8(text: string): Uint8Array {
  return utf8ToBytes(text);
}
