import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { AbiCoder, keccak256 } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  buildTree,
  type ContentId,
  type Hex,
  LEAF_DOMAIN,
  leafOf,
  MAX_BATCH_LEAVES,
  MAX_PROOF_LENGTH,
  type RecordKind,
  RecordKinds,
  verifyProof,
} from "../../../src/records/index.js";
import { contentId, idOf, NODE } from "../samples.js";

const TYPES = ["bytes32", "address", "uint8", "bytes32"];
const leaf = fc.tuple(fc.constantFrom(...RecordKinds), contentId);
const batch = fc.uniqueArray(leaf, { minLength: 1, maxLength: 40, selector: ([kind, id]) => `${kind}${id}` });

const leavesOf = (records: readonly (readonly [RecordKind, ContentId])[]) =>
  records.map(([kind, id]) => leafOf(NODE, kind, id));

describe("the Merkle tree over records", () => {
  it("hashes a leaf as the registry on chain does", () => {
    fc.assert(
      fc.property(leaf, ([kind, id]) => {
        const inner = keccak256(
          AbiCoder.defaultAbiCoder().encode(TYPES, [LEAF_DOMAIN, NODE, RecordKinds.indexOf(kind), id]),
        );
        expect(leafOf(NODE, kind, id)).toBe(keccak256(inner));
      }),
    );
  });

  it("has the root and the proofs of OpenZeppelin's standard tree", () => {
    fc.assert(
      fc.property(batch, (records) => {
        const tree = buildTree(leavesOf(records));
        const values = records.map(([kind, id]) => [LEAF_DOMAIN, NODE, RecordKinds.indexOf(kind), id]);
        const standard = StandardMerkleTree.of(values, TYPES);
        expect(tree.root).toBe(standard.root);
        for (const [index] of records.entries()) expect(tree.proof(index)).toEqual(standard.getProof(index));
      }),
    );
  });

  it("proves every record of a batch, whatever their order", () => {
    fc.assert(
      fc.property(batch, (records) => {
        const leaves = leavesOf(records);
        const tree = buildTree(leaves);
        for (const [index, each] of leaves.entries())
          expect(verifyProof(tree.root, each, tree.proof(index))).toBe(true);
        expect(buildTree([...leaves].reverse()).root).toBe(tree.root);
      }),
    );
  });

  it("proves nothing by a proof, a leaf or a root in which one bit is another", () => {
    fc.assert(
      fc.property(batch, fc.nat(), fc.nat(), fc.nat({ max: 255 }), (records, which, place, bit) => {
        const leaves = leavesOf(records);
        const index = which % leaves.length;
        const tree = buildTree(leaves);
        const parts: Hex[] = [tree.root, leaves[index] as Hex, ...tree.proof(index)];
        const altered = parts.map((part, at) => (at === place % parts.length ? flip(part, bit) : part));
        const [root, own, ...proof] = altered as [Hex, Hex, ...Hex[]];
        expect(verifyProof(root, own, proof)).toBe(false);
      }),
    );
  });

  it("takes no proof that is longer, shorter or of another record", () => {
    const leaves = leavesOf([
      ["State", idOf("a")],
      ["State", idOf("b")],
      ["Model", idOf("a")],
    ]);
    const { root, proof } = buildTree(leaves);
    const own = leaves[0] as Hex;
    expect(verifyProof(root, own, proof(0))).toBe(true);
    expect(verifyProof(root, own, proof(1))).toBe(false);
    expect(verifyProof(root, own, proof(0).slice(1))).toBe(false);
    expect(verifyProof(root, own, [...proof(0), root])).toBe(false);
    // An inner node is no leaf, though it hashes up to the root: no leaf of a record has its value.
    expect(leaves).not.toContain(root);
  });

  it("takes malformed input for no proof", () => {
    const leaves = leavesOf([["State", idOf("a")]]);
    const { root, proof } = buildTree(leaves);
    expect(proof(0)).toEqual([]);
    expect(verifyProof(root, leaves[0] as Hex, [])).toBe(true);
    expect(verifyProof(root, "0x", [])).toBe(false);
    expect(verifyProof("nothing" as Hex, leaves[0] as Hex, [])).toBe(false);
    expect(verifyProof(root, leaves[0] as Hex, ["0xzz"])).toBe(false);
    expect(verifyProof(root, leaves[0] as Hex, new Array<Hex>(MAX_PROOF_LENGTH + 1).fill(root))).toBe(false);
  });

  it("refuses a batch that is empty, too large, or holds one record twice", () => {
    const [own] = leavesOf([["State", idOf("a")]]) as [Hex];
    expect(() => buildTree([])).toThrow(/1 to 1024/);
    expect(() => buildTree(new Array<Hex>(MAX_BATCH_LEAVES + 1).fill(own))).toThrow(/1 to 1024/);
    expect(() => buildTree([own, own])).toThrow(/each record once/);
    expect(() => buildTree(["0x12"])).toThrow(/A leaf is/);
    expect(() => buildTree([own]).proof(1)).toThrow(/No leaf 1 of 1/);
    expect(() => buildTree([own]).proof(-1)).toThrow(/No leaf/);
  });

  it("refuses a leaf of what is no record", () => {
    expect(() => leafOf("0x12", "State", idOf("a"))).toThrow(/No leaf/);
    expect(() => leafOf(NODE, "Rumour" as RecordKind, idOf("a"))).toThrow(/No leaf/);
    expect(() => leafOf(NODE, "State", "0x12")).toThrow(/No leaf/);
  });
});

function flip(hex: Hex, bit: number): Hex {
  const bytes = Buffer.from(hex.slice(2), "hex");
  const at = (bit >> 3) % bytes.length;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
  return `0x${bytes.toString("hex")}`;
}
