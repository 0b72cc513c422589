import type { Address } from "../types.js";
import { utf8 } from "./hex.js";
import { keccak256 } from "./keccak.js";

/**
 * The address with its EIP-55 checksum.
 * @returns undefined if the text is not an address, or mixes case against its checksum.
 */
export function checksumAddress(text: string): Address | undefined {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) return undefined;
  const digits = text.slice(2);
  const lower = digits.toLowerCase();
  const hash = keccak256(utf8(lower)).slice(2);
  const checksummed = Array.from(lower, (digit, i) =>
    Number.parseInt(hash.charAt(i), 16) >= 8 ? digit.toUpperCase() : digit,
  ).join("");
  const mixed = digits !== lower && digits !== digits.toUpperCase();
  if (mixed && digits !== checksummed) return undefined;
  return `0x${checksummed}`;
}
