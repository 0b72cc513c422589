import { id, ZeroHash } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import {
  batchDigest,
  batchOf,
  deployKnowledge,
  type KnowledgeContracts,
  networkHelpers,
  signBatch,
} from "../../harness/contracts/knowledge.js";
import { revertOf } from "../../harness/contracts/reverts.js";
import { removeNodes } from "../../harness/contracts/seats.js";

const DEADLINE = 4_000_000_000n;
const batchFor = (author: string, names: readonly string[]) => batchOf(author, names, { deadline: DEADLINE });

let contracts: KnowledgeContracts;
beforeEach(async () => {
  contracts = await networkHelpers.loadFixture(threeNodes);
});

async function threeNodes(): Promise<KnowledgeContracts> {
  return deployKnowledge(3);
}

function authorAt(index: number): string {
  return contracts.nodes[index]?.address ?? "";
}

describe("An anchor that anybody sends", () => {
  it("is its author's, under its number, and proves the author's records", async () => {
    const { knowledge } = contracts;
    const batch = batchFor(authorAt(1), ["a", "b", "c"]);
    const sent = await knowledge.anchorBySig(batch, await signBatch(contracts, 1, batch));
    const [log] = (await sent.wait())?.logs ?? [];
    const event = log && knowledge.interface.parseLog(log);
    expect([event?.name, ...(event?.args.toArray() ?? [])]).toEqual([
      "Anchored",
      batch.author,
      batch.root,
      1n,
      3n,
      batch.manifest,
    ]);
    expect(await knowledge.sequenceOf(batch.author)).toBe(1n);
    expect(await knowledge.verify(batch.author, batch.root, 0, id("b"), batch.tree.getProof(1))).toBe(true);
    expect(await knowledge.verify(authorAt(0), batch.root, 0, id("b"), batch.tree.getProof(1))).toBe(false);
  });

  it("is signed over the digest that the contract names", async () => {
    const batch = batchFor(authorAt(0), ["a"]);
    expect(await contracts.knowledge.batchDigest(batch)).toBe(batchDigest(contracts, batch));
  });

  it("is refused where its author has signed something else, for elsewhere, or nothing", async () => {
    const { knowledge, domain } = contracts;
    const batch = batchFor(authorAt(0), ["a", "b"]);
    const good = await signBatch(contracts, 0, batch);
    const elsewhere = (change: object) => signBatch({ ...contracts, domain: { ...domain, ...change } }, 0, batch);
    for (const [said, signature] of [
      [batch, await signBatch(contracts, 1, batch)],
      [{ ...batch, author: authorAt(1) }, good],
      [{ ...batch, root: id("other") }, good],
      [{ ...batch, count: 3 }, good],
      [{ ...batch, manifest: id("other") }, good],
      [{ ...batch, deadline: DEADLINE + 1n }, good],
      [batch, await elsewhere({ chainId: 1n })],
      [batch, await elsewhere({ verifyingContract: authorAt(2) })],
      [batch, "0x"],
      [batch, good.slice(0, -2)],
      [batch, `${good}00`],
    ] as const) {
      const refusal = await revertOf(knowledge.anchorBySig(said, signature));
      expect(refusal).toEqual(["KnowledgeRegistryInvalidSignature", said.author]);
      expect((await knowledge.anchorOf(said.author, said.root)).anchoredAt).toBe(0n);
    }
  });

  it("is refused a second time, sent by any account", async () => {
    const { knowledge, nodes } = contracts;
    const [operator] = nodes;
    if (!operator) throw new Error("there is no node");
    const batch = batchFor(operator.address, ["a"]);
    const signature = await signBatch(contracts, 0, batch);
    await knowledge.anchorBySig(batch, signature);
    const exists = ["KnowledgeRegistryAnchorExists", batch.author, batch.root];
    expect(await revertOf(knowledge.anchorBySig(batch, signature))).toEqual(exists);
    expect(await revertOf(knowledge.connect(operator).anchor(batch.root, 1, batch.manifest))).toEqual(exists);
    expect(await knowledge.sequenceOf(batch.author)).toBe(1n);
  });

  it("is refused after the deadline that its author signed: a stranger cannot anchor an old batch", async () => {
    const { knowledge } = contracts;
    const deadline = BigInt(await networkHelpers.time.latest()) + 3_600n;
    const batches = ["a", "b"].map((name) => batchOf(authorAt(0), [name], { deadline }));
    const [last, late] = batches as [(typeof batches)[0], (typeof batches)[0]];
    const signatures = await Promise.all(batches.map((batch) => signBatch(contracts, 0, batch)));
    await networkHelpers.time.setNextBlockTimestamp(deadline);
    await knowledge.anchorBySig(last, signatures[0] ?? "0x");
    expect(await revertOf(knowledge.anchorBySig(late, signatures[1] ?? "0x"))).toEqual([
      "KnowledgeRegistryLapsed",
      deadline,
    ]);
  });

  it("is refused at any time for a batch that its author signed for a joint anchor", async () => {
    const batch = batchOf(authorAt(0), ["a"]);
    const signature = await signBatch(contracts, 0, batch);
    expect(batch.deadline).toBe(0n);
    expect(await revertOf(contracts.knowledge.anchorBySig(batch, signature))).toEqual(["KnowledgeRegistryLapsed", 0n]);
  });

  it("is refused for an author that was removed or is not admitted yet", async () => {
    const { knowledge, registry, later, nodes } = contracts;
    const batch = batchFor(authorAt(2), ["a"]);
    const signature = await signBatch(contracts, 2, batch);
    await removeNodes(registry, [2]);
    const gone = ["KnowledgeRegistryNotMember", batch.author];
    expect(await revertOf(knowledge.anchorBySig(batch, signature))).toEqual(gone);

    const newcomer = later[0];
    if (!newcomer) throw new Error("the network has too few accounts");
    const early = batchFor(newcomer.address, ["a"]);
    const signed = await signBatch({ ...contracts, nodes: [...nodes, newcomer] }, 3, early);
    expect(await revertOf(knowledge.anchorBySig(early, signed))).toEqual([
      "KnowledgeRegistryNotMember",
      newcomer.address,
    ]);
  });

  it("is refused without a root, records or a manifest, signed or not", async () => {
    const { knowledge } = contracts;
    const batch = batchFor(authorAt(0), ["a"]);
    for (const empty of [
      { ...batch, root: ZeroHash },
      { ...batch, count: 0 },
      { ...batch, manifest: ZeroHash },
    ]) {
      const refusal = await revertOf(knowledge.anchorBySig(empty, await signBatch(contracts, 0, empty)));
      expect(refusal).toEqual(["KnowledgeRegistryEmptyAnchor"]);
    }
  });
});
