import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Hex } from "../types.js";
import { hexOf } from "./hex.js";

/** keccak256 of bytes, as hex. */
export function keccak256(bytes: Uint8Array): Hex {
  return hexOf(keccak_256(bytes));
}
