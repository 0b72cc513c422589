/**
 * Sets of node indices as the contracts store them: 256 to a word, from the lowest bit, without a zero word at the end. The words
 * may be ethers' Result, as a contract's answer is.
 */
const WORD_BITS = 256n;

/** The words of a set of indices; an empty list for the empty set. */
export function wordsOf(indices: Iterable<number>): bigint[] {
  const words: bigint[] = [];
  for (const index of indices) {
    const position = index >> 8;
    while (words.length <= position) words.push(0n);
    words[position] = (words[position] ?? 0n) | (1n << BigInt(index & 0xff));
  }
  return words;
}

/** The indices in a set, in ascending order. */
export function indicesOf(words: readonly bigint[]): number[] {
  const indices: number[] = [];
  // A loop: what a contract returns is ethers' Result, whose flatMap yields [0] instead of nothing.
  for (const [position, word] of words.entries()) {
    for (let bit = 0n; bit < WORD_BITS; bit++) if ((word >> bit) & 1n) indices.push(position * 256 + Number(bit));
  }
  return indices;
}

/** Whether an index is in a set. */
export function hasBit(words: readonly bigint[], index: number): boolean {
  const position = index >> 8;
  // Ethers' Result throws beyond its end.
  const word = position < words.length ? (words[position] ?? 0n) : 0n;
  return ((word >> BigInt(index & 0xff)) & 1n) === 1n;
}
