import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Address, Hex } from "./types.js";

/** keccak256 of bytes, as hex. */
export function keccak256(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(keccak_256(bytes))}`;
}

/** The bytes of `0x...`. @throws {Error} where it is not hexadecimal or of odd length. */
export function bytesOf(hex: Hex): Uint8Array {
  return hexToBytes(hex.slice(2));
}

/** `0x...` of bytes. */
export function hexOf(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`;
}

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

/** The bytes of text in UTF-8. */
export function utf8(text: string): Uint8Array {
  return utf8ToBytes(text);
}

/**
 * The address with its EIP-55 checksum.
 * @returns undefined where the text is not an address, or mixes case against its checksum.
 */
export function checksumAddress(text: string): Address | undefined {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) return undefined;
  const digits = text.slice(2);
  const lower = digits.toLowerCase();
  const hash = bytesToHex(keccak_256(utf8(lower)));
  const checksummed = Array.from(lower, (digit, i) =>
    Number.parseInt(hash.charAt(i), 16) >= 8 ? digit.toUpperCase() : digit,
  ).join("");
  const mixed = digits !== lower && digits !== digits.toUpperCase();
  if (mixed && digits !== checksummed) return undefined;
  return `0x${checksummed}`;
}
