import { keccak_256 } from "@noble/hashes/sha3.js";
import { SimpleMerkleTree } from "@openzeppelin/merkle-tree";
import { InvalidInputError } from "../errors.js";
import { keccakText, toHex } from "./fields.js";
import { type Address, type ContentId, type Hex, type RecordKind, RecordKinds } from "./types.js";

/** The domain of every leaf, so that no inner node passes for one. */
export const LEAF_DOMAIN: Hex = keccakText("witan/leaf/1");

/** The leaf of a record: keccak(keccak(abi.encode(domain, author, kind, contentId))), as KnowledgeRegistry has it. */
export function leafOf(author: Address, kind: RecordKind, contentId: ContentId): Hex {
  const words = [
    LEAF_DOMAIN.slice(2),
    word(author.slice(2)),
    word(RecordKinds.indexOf(kind).toString(16)),
    contentId.slice(2),
  ];
  const encoded = Uint8Array.from(words.join("").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  return `0x${toHex(keccak_256(keccak_256(encoded)))}`;
}

/** A Merkle tree over leaves, in their order. */
export interface RecordTree {
  readonly root: Hex;
  /** The proof of the leaf at `position`. */
  proof(position: number): Hex[];
}

/** Builds the tree of a batch. Throws {@link InvalidInputError} on an empty one. */
export function buildTree(leaves: readonly Hex[]): RecordTree {
  if (leaves.length === 0) throw new InvalidInputError("A batch without records has no tree.");
  const tree = SimpleMerkleTree.of([...leaves]);
  return { root: tree.root as Hex, proof: (position) => tree.getProof(position) as Hex[] };
}

/** Whether `proof` leads from `leaf` to `root`. */
export function verifyProof(root: Hex, leaf: Hex, proof: readonly Hex[]): boolean {
  const isHash = (value: string) => /^0x[0-9a-f]{64}$/i.test(value);
  if (![root, leaf, ...proof].every(isHash)) return false;
  return SimpleMerkleTree.verify(root, leaf, [...proof]);
}

function word(digits: string): string {
  return digits.toLowerCase().padStart(64, "0");
}
