import { SimpleMerkleTree } from "@openzeppelin/merkle-tree";
import { InvalidInputError } from "../../errors.js";
import { isContentId } from "../contentId.js";
import { addressWord, joinWords, uintWord } from "../encoding/abi.js";
import { checksumAddress } from "../encoding/address.js";
import { bytesOf, utf8 } from "../encoding/hex.js";
import { keccak256 } from "../encoding/keccak.js";
import { MAX_BATCH_LEAVES, MAX_PROOF_LENGTH } from "../schemas/bounds.js";
import { type Address, type ContentId, type Hex, type RecordKind, RecordKinds } from "../types.js";

/** The domain of every leaf, as in KnowledgeRegistry. */
export const LEAF_DOMAIN: Hex = keccak256(utf8("witan/leaf/1"));

/** The records under one anchor. */
export interface RecordTree {
  readonly root: Hex;
  /** The siblings from leaf `index` (in the order given) up to the root. @throws {InvalidInputError} beyond the leaves. */
  proof(index: number): Hex[];
}

/**
 * The leaf of a record: keccak256(keccak256(abi.encode(LEAF_DOMAIN, author, kind, contentId))). Hashed twice under a
 * domain, so that no inner node can pass for a leaf.
 *
 * @throws {InvalidInputError} if author, kind or ContentId is invalid.
 */
export function leafOf(author: Address, kind: RecordKind, id: ContentId): Hex {
  const index = RecordKinds.indexOf(kind);
  if (checksumAddress(author) === undefined || index < 0 || !isContentId(id)) {
    throw new InvalidInputError(`No leaf of ${String(kind)} ${String(id)} by ${String(author)}`);
  }
  const words = joinWords(bytesOf(LEAF_DOMAIN), addressWord(author), uintWord(index), bytesOf(id));
  return keccak256(bytesOf(keccak256(words)));
}

/**
 * The Merkle tree over leaves of {@link leafOf}. The root does not depend on their order.
 *
 * @throws {InvalidInputError} if there are none, more than {@link MAX_BATCH_LEAVES}, or two equal ones.
 */
export function buildTree(leaves: readonly Hex[]): RecordTree {
  if (leaves.length === 0 || leaves.length > MAX_BATCH_LEAVES) {
    throw new InvalidInputError(`A batch holds 1 to ${MAX_BATCH_LEAVES} records, not ${leaves.length}`);
  }
  if (!leaves.every(isContentId)) throw new InvalidInputError("A leaf is 0x and 64 lower-case hexadecimal digits");
  if (new Set(leaves).size !== leaves.length) throw new InvalidInputError("A batch holds each record once");
  const tree = SimpleMerkleTree.of([...leaves]);
  return {
    root: tree.root as Hex,
    proof(index) {
      if (leaves[index] === undefined) throw new InvalidInputError(`No leaf ${index} of ${leaves.length}`);
      return tree.getProof(index) as Hex[];
    },
  };
}

/** Whether `leaf` is under `root`. False for malformed input. */
export function verifyProof(root: Hex, leaf: Hex, proof: readonly Hex[]): boolean {
  if (proof.length > MAX_PROOF_LENGTH || ![root, leaf, ...proof].every(isContentId)) return false;
  return SimpleMerkleTree.verify(root, leaf, [...proof]);
}
