import { SimpleMerkleTree } from "@openzeppelin/merkle-tree";
import { AbiCoder, concat, id, keccak256, ZeroHash } from "ethers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { KnowledgeRegistry } from "../../../src/ports/chain/bindings/index.js";
import { admissionOf } from "../../harness/contracts/eip2537.js";
import { deployRegistryWith, ethers, networkHelpers, type RegistryContracts } from "../../harness/contracts/nodes.js";
import { removeNodes } from "../../harness/contracts/seats.js";

const LEAF_DOMAIN = id("witan/leaf/1");
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => ethers.hexlify(bytes));

function leafOf(author: string, kind: number, contentId: string): string {
  const types = ["bytes32", "address", "uint8", "bytes32"];
  return keccak256(keccak256(AbiCoder.defaultAbiCoder().encode(types, [LEAF_DOMAIN, author, kind, contentId])));
}

async function deployKnowledge() {
  const contracts = await deployRegistryWith(1);
  const [, , first, second] = await ethers.getSigners();
  if (!first || !second) throw new Error("the network has too few accounts");
  const founding = contracts.registry.connect(contracts.founder);
  await founding.admit([admissionOf(first.address, "first"), admissionOf(second.address, "second")]);
  const deployed = await ethers.deployContract("KnowledgeRegistry", [await contracts.registry.getAddress()]);
  const knowledge = deployed as unknown as KnowledgeRegistry;
  return { ...contracts, knowledge: knowledge.connect(first), first, second };
}

describe("KnowledgeRegistry", () => {
  let knowledge: KnowledgeRegistry;
  let contracts: RegistryContracts & Awaited<ReturnType<typeof deployKnowledge>>;
  beforeAll(async () => {
    contracts = await deployKnowledge();
    knowledge = contracts.knowledge;
  });

  it("numbers each author's anchors from 1, so that a gap shows", async () => {
    const { first, second } = contracts;
    for (const [author, root, sequence] of [
      [first, "a", 1n],
      [first, "b", 2n],
      [second, "a", 1n],
      [first, "c", 3n],
    ] as const) {
      const sent = await knowledge.connect(author).anchor(id(root), 7, id("manifest"));
      const receipt = await sent.wait();
      const anchoredAt = BigInt(await networkHelpers.time.latest());

      expect([...(await knowledge.anchorOf(author, id(root)))]).toEqual([anchoredAt, sequence, 7n]);
      expect(await knowledge.sequenceOf(author)).toBe(sequence);
      const event = knowledge.interface.parseLog(receipt?.logs[0] ?? { topics: [], data: "0x" });
      expect(event?.args.toArray()).toEqual([author.address, id(root), sequence, 7n, id("manifest")]);
    }
  });

  it("never writes an anchor twice", async () => {
    const { first } = contracts;
    await knowledge.anchor(id("once"), 1, id("manifest"));
    const before = await knowledge.anchorOf(first, id("once"));
    const again = knowledge.anchor(id("once"), 2, id("manifest"));
    await expect(again).rejects.toThrow(`KnowledgeRegistryAnchorExists("${first.address}", "${id("once")}")`);
    expect(await knowledge.anchorOf(first, id("once"))).toEqual(before);
  });

  it("refuses an anchor of nothing: no root, no records, no manifest", async () => {
    for (const [root, count, manifest] of [
      [ZeroHash, 1, id("manifest")],
      [id("root"), 0, id("manifest")],
      [id("root"), 1, ZeroHash],
    ] as const) {
      await expect(knowledge.anchor(root, count, manifest)).rejects.toThrow("KnowledgeRegistryEmptyAnchor()");
    }
  });

  it("refuses accounts that are no members, and nodes that were removed, whose anchors stay", async () => {
    const { registry, knowledge: fresh, founder, first } = await deployKnowledge();
    const stranger = fresh.connect(founder).anchor(id("root"), 1, id("manifest"));
    await expect(stranger).rejects.toThrow(`KnowledgeRegistryNotMember("${founder.address}")`);

    await fresh.anchor(id("before"), 1, id("manifest"));
    await removeNodes(registry, [await registry.indexOf(first, await registry.epoch())]);
    const gone = fresh.anchor(id("after"), 1, id("manifest"));
    await expect(gone).rejects.toThrow(`KnowledgeRegistryNotMember("${first.address}")`);
    const leaf = await fresh.leafOf(first, 0, id("record"));
    expect(leaf).toBe(leafOf(first.address, 0, id("record")));
    expect((await fresh.anchorOf(first, id("before"))).sequence).toBe(1n);
  });

  it("proves exactly the records of a batch, for its author alone", async () => {
    const { first, second } = contracts;
    const kind = fc.nat(3);
    const record = fc.record({ kind, contentId: hash });
    const batch = fc.uniqueArray(record, { minLength: 1, maxLength: 40, selector: ({ contentId }) => contentId });
    await fc.assert(
      fc.asyncProperty(batch, kind, hash, async (records, otherKind, otherId) => {
        const leaves = records.map((each) => leafOf(first.address, each.kind, each.contentId));
        const tree = SimpleMerkleTree.of(leaves);
        expect(await knowledge.verify(first, tree.root, otherKind, otherId, [])).toBe(false);
        await knowledge.anchor(tree.root, records.length, id("manifest"));

        for (const [i, each] of records.entries()) {
          const proof = tree.getProof(i);
          expect(await knowledge.verify(first, tree.root, each.kind, each.contentId, proof)).toBe(true);
          expect(await knowledge.verify(second, tree.root, each.kind, each.contentId, proof)).toBe(false);
          expect(await knowledge.verify(first, tree.root, each.kind, otherId, proof)).toBe(false);
          if (otherKind !== each.kind) {
            expect(await knowledge.verify(first, tree.root, otherKind, each.contentId, proof)).toBe(false);
          }
          expect(await knowledge.verify(first, tree.root, each.kind, each.contentId, [...proof, otherId])).toBe(false);
        }
      }),
      { numRuns: 12 },
    );
  });

  it("does not take another author's anchor of the same root for one's own", async () => {
    const { first, second } = contracts;
    const leaf = leafOf(first.address, 1, id("mine"));
    await knowledge.connect(second).anchor(leaf, 1, id("manifest"));
    // The root holds a leaf of the first author, but the second has anchored it.
    expect(await knowledge.verify(first, leaf, 1, id("mine"), [])).toBe(false);
    expect(await knowledge.verify(second, leaf, 1, id("mine"), [])).toBe(false);
  });

  it("does not take an inner node of the tree for a leaf", async () => {
    const { first } = contracts;
    const leaves = ["w", "x", "y", "z"].map((name) => leafOf(first.address, 0, id(name)));
    const tree = SimpleMerkleTree.of(leaves);
    await knowledge.anchor(tree.root, 4, id("manifest"));
    const [sibling, parent] = tree.getProof(0);
    const inner = keccak256(concat([leaves[0] ?? "0x", sibling ?? "0x"].sort()));
    expect(await knowledge.verify(first, tree.root, 0, inner, [parent ?? ZeroHash])).toBe(false);
  });

  it("costs one slot for an anchor and one write for its number, whatever the batch", async () => {
    const { knowledge: fresh } = await deployKnowledge();
    const gas = async (root: string, count: number) => {
      const sent = await fresh.anchor(id(root), count, id("manifest"));
      return (await sent.wait())?.gasUsed ?? 0n;
    };
    await gas("first", 1);
    const small = await gas("small", 1);
    const large = await gas("large", 200);
    expect(large).toBe(small);
    // 22 k to send, 22 k for the anchor, 5 k to ask for membership, 5 k for the number, 2 k for the event.
    expect(small).toBeLessThanOrEqual(60_000n);
  });
});
