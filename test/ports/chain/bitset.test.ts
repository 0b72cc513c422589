import { Result } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasBit, indicesOf, wordsOf } from "../../../src/ports/chain/bitset.js";

describe("a set of indices", () => {
  it("is a bit each, 256 to a word", () => {
    expect(wordsOf([])).toEqual([]);
    expect(wordsOf([300, 0, 9])).toEqual([1n + 2n ** 9n, 2n ** 44n]);
    expect(wordsOf([255, 256])).toEqual([2n ** 255n, 1n]);
    expect(indicesOf([0n, 3n])).toEqual([256, 257]);
    expect(indicesOf([0n])).toEqual([]);
  });

  it("is empty where a contract returns an empty one", () => {
    expect(indicesOf(Result.fromItems([]))).toEqual([]);
    expect(indicesOf(Result.fromItems([0n, 2n]))).toEqual([257]);
    const few = Result.fromItems([2n]);
    expect([hasBit(few, 1), hasBit(few, 0), hasBit(few, 256), hasBit(Result.fromItems([]), 0)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it("comes back from its words in order, and has one encoding", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(2_000)), (indices) => {
        const words = wordsOf(indices);
        expect(indicesOf(words)).toEqual(indices.toSorted((a, b) => a - b));
        expect(words.at(-1)).not.toBe(0n);
        expect(wordsOf(indices.toReversed())).toEqual(words);
      }),
    );
  });
});
