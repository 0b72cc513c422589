import { keccak256, utf8 } from "./keccak.js";
import type { Hex } from "./types.js";

/**
 * The subject of a directive on chain: keccak256 of the subject's UTF-8 text.
 *
 * @example subjectHash("workload/web-3")
 */
export function subjectHash(text: string): Hex {
  return keccak256(utf8(text));
}
