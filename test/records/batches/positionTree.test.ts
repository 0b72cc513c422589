import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildPositionTree, type Hex, verifyPosition } from "../../../src/records/index.js";

const leafOf = (number: number): Hex => `0x${number.toString(16).padStart(64, "0")}`;
const treeOf = (...positions: readonly number[]) =>
  buildPositionTree(new Map(positions.map((position) => [position, leafOf(position + 1)])));
const positions = fc.uniqueArray(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 20 });

describe("a tree of leaves at positions", () => {
  it("proves each leaf at its position, and at no other", () => {
    fc.assert(
      fc.property(positions, fc.nat(1_023), (taken, another) => {
        const { path, root } = treeOf(...taken);
        for (const position of taken) {
          expect(verifyPosition(root, position, leafOf(position + 1), path(position))).toBe(true);
          const elsewhere = verifyPosition(root, another, leafOf(position + 1), path(position));
          expect(elsewhere).toBe(another === position);
        }
      }),
    );
  });

  it("has another root for every other depth: a path that is cut off or goes on proves nothing", () => {
    const { path, root } = treeOf(0, 5);
    const [own, pair] = [leafOf(1), path(0)];
    expect(pair).toHaveLength(3);
    for (const wrong of [[], pair.slice(1), pair.slice(0, 2), [...pair, leafOf(0)], [leafOf(0), ...pair]]) {
      expect(verifyPosition(root, 0, own, wrong)).toBe(false);
    }
    expect(treeOf(0).root).not.toBe(own);
    expect(verifyPosition(treeOf(0).root, 0, own, [])).toBe(true);
  });

  it("has at most 32 levels, and a position for each index of a registry", () => {
    const { path, root } = treeOf(0xffff_ffff, 7);
    expect(path(0xffff_ffff)).toHaveLength(32);
    expect(verifyPosition(root, 0xffff_ffff, leafOf(2 ** 32), path(0xffff_ffff))).toBe(true);
    expect(verifyPosition(root, 7, leafOf(8), path(7))).toBe(true);
    expect(() => treeOf(2 ** 32)).toThrow("32 bits");
  });

  it.each([
    ["without a leaf", new Map<number, Hex>()],
    ["of a leaf that is none", new Map<number, Hex>([[1, "0x01"]])],
    ["at a position that is none", new Map([[-1, leafOf(1)]])],
    ["between positions", new Map([[0.5, leafOf(1)]])],
  ])("is not made %s", (_what, leaves) => {
    expect(() => buildPositionTree(leaves)).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });

  it("has no path where it has no leaf, and believes nothing malformed", () => {
    const { path, root } = treeOf(1, 2);
    expect(() => path(0)).toThrow("No leaf at position 0");
    for (const position of [-1, 0.5, Number.NaN, 2 ** 33]) {
      expect(verifyPosition(root, position, leafOf(2), path(1))).toBe(false);
    }
    expect(verifyPosition(root, 1, "0x01", path(1))).toBe(false);
    expect(verifyPosition(root, 1, leafOf(2), Array(33).fill(leafOf(0)))).toBe(false);
  });
});
