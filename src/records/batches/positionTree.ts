import { InvalidInputError } from "../../errors.js";
import { isContentId } from "../contentId.js";
import { joinWords, uintWord } from "../encoding/abi.js";
import { bytesOf } from "../encoding/hex.js";
import { keccak256 } from "../encoding/keccak.js";
import { MAX_POSITION_DEPTH, MAX_UINT32 } from "../schemas/bounds.js";
import type { Hex } from "../types.js";

/** What is at a position that has no leaf, and above such positions. */
const EMPTY: Hex = `0x${"00".repeat(32)}`;

/** Leaves at positions of their own, such as the indices of nodes, under one root. */
export interface PositionTree {
  readonly root: Hex;
  /** The siblings from the leaf at a position up to the topmost node. @throws {InvalidInputError} where there is no leaf. */
  path(position: number): Hex[];
}

/**
 * The tree over leaves at positions, as KnowledgeRegistry has it for the batches of nodes. Pairs are hashed in their order, and
 * the root is the hash of the tree's depth and of its topmost node: under one root a position has one leaf.
 *
 * @throws {InvalidInputError} without a leaf, or if a position or a leaf is invalid.
 */
export function buildPositionTree(leaves: ReadonlyMap<number, Hex>): PositionTree {
  const valid = [...leaves].every(
    ([position, leaf]) => Number.isInteger(position) && position >= 0 && position <= MAX_UINT32 && isContentId(leaf),
  );
  if (leaves.size === 0 || !valid) throw new InvalidInputError("A tree has leaves of 32 bytes at positions of 32 bits");
  const depth = bitsOf(Math.max(...leaves.keys()));
  const levels: ReadonlyMap<number, Hex>[] = [leaves];
  for (let level = 0; level < depth; level++) levels.push(pairsOf(levels[level] ?? new Map()));
  return {
    root: rootOf(depth, levels[depth]?.get(0) ?? EMPTY),
    path(position) {
      if (!leaves.has(position)) throw new InvalidInputError(`No leaf at position ${position}`);
      return levels
        .slice(0, depth)
        .map((nodes, level) => nodes.get(siblingOf(Math.floor(position / 2 ** level))) ?? EMPTY);
    },
  };
}

/** Whether `leaf` is at `position` under `root`. False for malformed input. */
export function verifyPosition(root: Hex, position: number, leaf: Hex, path: readonly Hex[]): boolean {
  if (path.length > MAX_POSITION_DEPTH || ![root, leaf, ...path].every(isContentId)) return false;
  if (!Number.isInteger(position) || position < 0 || bitsOf(position) > path.length) return false;
  const top = path.reduce((node, sibling, level) => {
    const isRight = Math.floor(position / 2 ** level) % 2 === 1;
    return isRight ? pairOf(sibling, node) : pairOf(node, sibling);
  }, leaf);
  return rootOf(path.length, top) === root;
}

function pairsOf(nodes: ReadonlyMap<number, Hex>): Map<number, Hex> {
  const pairs = new Map<number, Hex>();
  for (const position of nodes.keys()) {
    const above = Math.floor(position / 2);
    pairs.set(above, pairOf(nodes.get(2 * above) ?? EMPTY, nodes.get(2 * above + 1) ?? EMPTY));
  }
  return pairs;
}

function pairOf(left: Hex, right: Hex): Hex {
  return keccak256(joinWords(bytesOf(left), bytesOf(right)));
}

function rootOf(depth: number, top: Hex): Hex {
  return keccak256(joinWords(uintWord(depth), bytesOf(top)));
}

function siblingOf(position: number): number {
  return position % 2 === 0 ? position + 1 : position - 1;
}

/** The bits that a position needs: 0 for the first. */
function bitsOf(position: number): number {
  return position === 0 ? 0 : Math.floor(Math.log2(position)) + 1;
}
