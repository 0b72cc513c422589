import { getBytes, keccak256 } from "ethers";
import type { Hex } from "../../../../records/index.js";
import type { LogFilter } from "../event.js";

const BLOOM_BYTES = 256;

/**
 * Builds a test of a block's `logsBloom` (yellow paper, 4.4.3): false if the block certainly has no log that the filter
 * selects, true if it may have one.
 */
export function createBloomTest({ address, topics }: LogFilter): (bloom: Hex) => boolean {
  const parts = [address, ...topics.flatMap((each) => (each === null ? [] : [[each].flat()]))];
  const wanted = parts.filter((values) => values.length > 0).map((values) => values.map(bitsOf));
  return (bloom) => {
    // Some nodes keep none, and give "0x" or "0x0".
    if (bloom.length !== 2 + 2 * BLOOM_BYTES) return false;
    const bytes = getBytes(bloom);
    const has = (bit: number) => (((bytes[BLOOM_BYTES - 1 - (bit >> 3)] ?? 0) >> (bit & 7)) & 1) === 1;
    return wanted.every((values) => values.some((bits) => bits.every(has)));
  };
}

/** The three bits that a value sets: the low 11 bits of each of the first three pairs of bytes of its hash. */
function bitsOf(value: Hex): number[] {
  const hash = getBytes(keccak256(value));
  return [0, 2, 4].map((at) => (((hash[at] ?? 0) << 8) | (hash[at + 1] ?? 0)) & 2_047);
}
