import { SimpleMerkleTree } from "@openzeppelin/merkle-tree";
import { id, ZeroHash } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import { bitmap } from "../../harness/contracts/ballots.js";
import { admissionOfSigner } from "../../harness/contracts/directives.js";
import {
  batchDigest,
  batchOf,
  deployKnowledge,
  type JointAnchor,
  jointDigest,
  type KnowledgeContracts,
  networkHelpers,
  signJointly,
} from "../../harness/contracts/knowledge.js";
import { revertOf } from "../../harness/contracts/reverts.js";

const INVALID = ["NodeRegistryInvalidSignature"];

const NEVER = 2n ** 48n - 1n;

let contracts: KnowledgeContracts;
beforeEach(async () => {
  contracts = await networkHelpers.loadFixture(fiveNodes);
});

async function fiveNodes(): Promise<KnowledgeContracts> {
  return deployKnowledge(5);
}

/** A batch of each of these nodes, and one root over them. */
function jointOf(indices: readonly number[], change: Partial<JointAnchor> = {}) {
  const batches = indices.map((index) => batchOf(contracts.nodes[index]?.address ?? "", [`a${index}`, `b${index}`]));
  const tree = SimpleMerkleTree.of(batches.map((batch) => batchDigest(contracts, batch)));
  const joint = {
    epoch: 1,
    root: tree.root,
    batches: indices.length,
    manifest: id("batches"),
    deadline: NEVER,
    ...change,
  };
  return { batches, tree, joint };
}

function send(joint: JointAnchor, indices: readonly number[], signature = signJointly(contracts, joint, indices)) {
  const { epoch, root, batches, manifest, deadline } = joint;
  return contracts.knowledge.anchorJointly(epoch, root, batches, manifest, deadline, bitmap(indices), signature);
}

/** Whether the second record of a batch is proven. */
function proves({ batches, tree, joint }: ReturnType<typeof jointOf>, position: number, record?: string) {
  const batch = batches[position];
  if (!batch) throw new Error(`there is no batch ${position}`);
  const name = record ?? `b${contracts.nodes.findIndex(({ address }) => address === batch.author)}`;
  const { author, root, count, manifest } = batch;
  return contracts.knowledge.verifyJointly(
    joint.root,
    { author, root, count, manifest },
    tree.getProof(position),
    0,
    id(name),
    batch.tree.getProof(1),
  );
}

async function refused(attempt: Promise<unknown>, root: string, refusal: unknown[]): Promise<void> {
  expect(await revertOf(attempt)).toEqual(refusal);
  expect([...(await contracts.knowledge.jointAnchorOf(root))]).toEqual([0n, 0n, 0n]);
  expect(await contracts.knowledge.jointAuthors(root, 0)).toBe(0n);
}

describe("An anchor of many nodes together", () => {
  it("is one transaction, and proves each author's records", async () => {
    const { knowledge } = contracts;
    const together = jointOf([0, 2, 3]);
    const sent = await send(together.joint, [0, 2, 3]);
    const [log] = (await sent.wait())?.logs ?? [];
    const event = log && knowledge.interface.parseLog(log);
    const { root, manifest } = together.joint;
    expect([event?.name, ...(event?.args.toArray(true) ?? [])]).toEqual([
      "JointlyAnchored",
      root,
      1n,
      3n,
      manifest,
      [13n],
    ]);
    const anchoredAt = BigInt(await networkHelpers.time.latest());
    expect([...(await knowledge.jointAnchorOf(root))]).toEqual([anchoredAt, 1n, 3n]);
    expect(await knowledge.jointAuthors(root, 0)).toBe(13n);
    for (const position of [0, 1, 2]) {
      expect(await proves(together, position)).toBe(true);
      expect(await proves(together, position, "another record")).toBe(false);
    }
  });

  it("is signed over the digest that the contract names", async () => {
    const { joint } = jointOf([0, 1]);
    const { epoch, root, batches, manifest, deadline } = joint;
    expect(await contracts.knowledge.jointDigest(epoch, root, batches, manifest, deadline)).toBe(
      jointDigest(contracts, joint),
    );
  });

  it("proves nothing of a node that is under the root and has not signed", async () => {
    const together = jointOf([0, 1, 2]);
    await send(together.joint, [0, 2]);
    expect(await proves(together, 0)).toBe(true);
    expect(await proves(together, 1)).toBe(false);
  });

  it("proves nothing of what is no batch under the root, or of another author, count or manifest", async () => {
    const { knowledge } = contracts;
    const { batches, joint, tree } = jointOf([0, 1]);
    await send(joint, [0, 1]);
    const [first, second] = batches;
    if (!first || !second) throw new Error("there are two batches");
    const { author, root, count, manifest } = first;
    const good = { author, root, count, manifest };
    const verify = (batch: typeof good, batchProof = tree.getProof(0), under = joint.root) =>
      knowledge.verifyJointly(under, batch, batchProof, 0, id("b0"), first.tree.getProof(1));
    expect(await verify(good)).toBe(true);
    expect(await verify({ ...good, author: second.author })).toBe(false);
    expect(await verify({ ...good, author: contracts.stranger.address })).toBe(false);
    expect(await verify({ ...good, root: second.root })).toBe(false);
    expect(await verify({ ...good, count: 3 })).toBe(false);
    expect(await verify({ ...good, manifest: id("other") })).toBe(false);
    expect(await verify(good, tree.getProof(1))).toBe(false);
    expect(await verify(good, [])).toBe(false);
    expect(await verify(good, tree.getProof(0), batchDigest(contracts, good))).toBe(false);
  });

  it("still proves the records of a node that has left since", async () => {
    const together = jointOf([0, 1]);
    await send(together.joint, [0, 1]);
    await contracts.registry.remove([1]);
    expect(await proves(together, 1)).toBe(true);
  });

  it("is refused where they signed another root, list, count, epoch, deadline, chain or contract", async () => {
    const { joint } = jointOf([0, 1, 2]);
    const all = [0, 1, 2];
    const changes = [{ root: id("other") }, { manifest: id("other") }, { batches: 2 }, { epoch: 2 }, { deadline: 1n }];
    for (const change of changes) {
      const signature = signJointly(contracts, { ...joint, ...change }, all);
      await refused(send(joint, all, signature), joint.root, INVALID);
    }
    for (const change of [{ chainId: 1n }, { verifyingContract: contracts.stranger.address }, { name: "Other" }]) {
      const domain = { ...contracts.domain, ...change };
      await refused(send(joint, all, signJointly({ ...contracts, domain }, joint, all)), joint.root, INVALID);
    }
  });

  it("is refused if fewer nodes signed than it claims, or more", async () => {
    const { joint } = jointOf([0, 1, 2]);
    await refused(send(joint, [0, 1, 2], signJointly(contracts, joint, [0, 1])), joint.root, INVALID);
    await refused(send(joint, [0, 1], signJointly(contracts, joint, [0, 1, 2])), joint.root, INVALID);
  });

  it("is refused to nobody, to strangers and to nodes that have left", async () => {
    const { joint } = jointOf([0, 1]);
    const signature = signJointly(contracts, joint, [0, 1]);
    await refused(send(joint, [], signature), joint.root, ["NodeRegistryNoSigners"]);
    await refused(send(joint, [0, 5], signature), joint.root, ["NodeRegistryNotMembers", 0n, 32n]);
    await contracts.registry.remove([1]);
    const now = { ...joint, epoch: 2 };
    const left = ["NodeRegistryNotMembers", 0n, 2n];
    await refused(send(now, [0, 1]), joint.root, left);
  });

  it("is refused in the name of a committee that is not the newest: a removed node anchors no more", async () => {
    const { joint } = jointOf([0, 1]);
    const signature = signJointly(contracts, joint, [0, 1]);
    const [newcomer] = contracts.later;
    if (!newcomer) throw new Error("the network has too few accounts");
    await contracts.registry.admit([admissionOfSigner(newcomer)]);
    await refused(send(joint, [0, 1], signature), joint.root, ["KnowledgeRegistryPastEpoch", 1n]);
    await refused(send({ ...joint, epoch: 3 }, [0, 1]), joint.root, ["KnowledgeRegistryPastEpoch", 3n]);
    await send({ ...joint, epoch: 2 }, [0, 1]);
    expect((await contracts.knowledge.jointAnchorOf(joint.root)).epoch).toBe(2n);
  });

  it("is taken until its deadline, and never after it: its signers anchor alone then", async () => {
    const now = await networkHelpers.time.latest();
    const { joint } = jointOf([0, 1], { deadline: BigInt(now + 100) });
    await networkHelpers.time.setNextBlockTimestamp(now + 101);
    await refused(send(joint, [0, 1]), joint.root, ["KnowledgeRegistryLapsed", joint.deadline]);
    const later = jointOf([0, 2], { deadline: BigInt(now + 200) });
    await networkHelpers.time.setNextBlockTimestamp(now + 200);
    await send(later.joint, [0, 2]);
    expect(await proves(later, 0)).toBe(true);
  });

  it("is never written twice, nor by others over the same root", async () => {
    const { joint } = jointOf([0, 1, 2]);
    await send(joint, [0, 1, 2]);
    const before = await contracts.knowledge.jointAnchorOf(joint.root);
    const exists = ["KnowledgeRegistryJointAnchorExists", joint.root];
    expect(await revertOf(send(joint, [0, 1, 2]))).toEqual(exists);
    expect(await revertOf(send({ ...joint, manifest: id("other") }, [3, 4]))).toEqual(exists);
    expect(await contracts.knowledge.jointAnchorOf(joint.root)).toEqual(before);
    expect(await contracts.knowledge.jointAuthors(joint.root, 0)).toBe(7n);
  });

  it("is refused without a root, batches or a manifest", async () => {
    for (const change of [{ root: ZeroHash }, { batches: 0 }, { manifest: ZeroHash }]) {
      const { joint } = jointOf([0, 1], change);
      await refused(send(joint, [0, 1]), joint.root, ["KnowledgeRegistryEmptyAnchor"]);
    }
  });
});
