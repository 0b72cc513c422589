import { id, ZeroHash } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import { buildPositionTree, type Hex } from "../../../src/records/index.js";
import { aggregateOver, bitmap } from "../../harness/contracts/ballots.js";
import { admissionOfSigner } from "../../harness/contracts/directives.js";
import { admissionOf, secretOf } from "../../harness/contracts/eip2537.js";
import {
  batchDigest,
  batchOf,
  deployKnowledge,
  type JointAnchor,
  jointDigest,
  type KnowledgeContracts,
  networkHelpers,
  saidOf,
  signJointly,
} from "../../harness/contracts/knowledge.js";
import { revertOf } from "../../harness/contracts/reverts.js";
import { removeNodes } from "../../harness/contracts/seats.js";

const INVALID = ["NodeRegistryInvalidSignature"];

const DAY = 86_400n;

let contracts: KnowledgeContracts;
let deadline: bigint;
beforeEach(async () => {
  contracts = await networkHelpers.loadFixture(fiveNodes);
  deadline = BigInt(await networkHelpers.time.latest()) + DAY;
});

async function fiveNodes(): Promise<KnowledgeContracts> {
  return deployKnowledge(5);
}

/** A batch of each of these nodes, and one root over them. */
function jointOf(indices: readonly number[], change: Partial<JointAnchor> = {}) {
  const batches = indices.map((index) => batchOf(contracts.nodes[index]?.address ?? "", [`a${index}`, `b${index}`]));
  const leaves = batches.map((batch, i) => [indices[i] ?? 0, batchDigest(contracts, batch) as Hex] as const);
  const tree = buildPositionTree(new Map(leaves));
  const joint: JointAnchor = {
    epoch: 1,
    root: tree.root,
    batches: indices.length,
    manifest: id("batches"),
    deadline,
    ...change,
  };
  return { indices, batches, tree, joint };
}

function send(joint: JointAnchor, indices: readonly number[], signature = signJointly(contracts, joint, indices)) {
  return contracts.knowledge.anchorJointly(joint, bitmap(indices), signature);
}

/** Whether the second record of a batch is proven. */
function proves({ batches, indices, tree, joint }: ReturnType<typeof jointOf>, position: number, record?: string) {
  const [batch, index] = [batches[position], indices[position]];
  if (!batch || index === undefined) throw new Error(`there is no batch ${position}`);
  const path = batch.tree.getProof(1);
  return contracts.knowledge.verifyJointly(joint, saidOf(batch), tree.path(index), 0, id(record ?? `b${index}`), path);
}

/** The authors that an event names. */
async function addedBy(sending: ReturnType<typeof send>): Promise<unknown> {
  const { knowledge } = contracts;
  const logs = (await (await sending).wait())?.logs ?? [];
  return logs.map((log) => knowledge.interface.parseLog(log)?.args.authors.toArray());
}

async function refused(attempt: Promise<unknown>, joint: JointAnchor, refusal: unknown[]): Promise<void> {
  expect(await revertOf(attempt)).toEqual(refusal);
  const anchorId = jointDigest(contracts, joint);
  expect(await contracts.knowledge.jointlyAnchoredAt(anchorId)).toBe(0n);
  expect(await contracts.knowledge.jointAuthors(anchorId, 0)).toBe(0n);
}

describe("An anchor of many nodes together", () => {
  it("is one transaction, and proves each author's records", async () => {
    const { knowledge } = contracts;
    const together = jointOf([0, 2, 3]);
    const sent = await send(together.joint, [0, 2, 3]);
    const [log] = (await sent.wait())?.logs ?? [];
    const event = log && knowledge.interface.parseLog(log);
    const { root, manifest } = together.joint;
    const said = [root, 1n, 3n, manifest, deadline, [13n]];
    expect([event?.name, ...(event?.args.toArray(true) ?? [])]).toEqual(["JointlyAnchored", ...said]);
    const anchorId = jointDigest(contracts, together.joint);
    expect(await knowledge.jointlyAnchoredAt(anchorId)).toBe(BigInt(await networkHelpers.time.latest()));
    expect(await knowledge.jointAuthors(anchorId, 0)).toBe(13n);
    for (const position of [0, 1, 2]) {
      expect(await proves(together, position)).toBe(true);
      expect(await proves(together, position, "another record")).toBe(false);
    }
  });

  it("is signed over the digest that the contract names", async () => {
    const { joint } = jointOf([0, 1]);
    expect(await contracts.knowledge.jointDigest(joint)).toBe(jointDigest(contracts, joint));
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
    const good = saidOf(first);
    const verify = (batch: typeof good, batchProof: readonly string[] = tree.path(0), under = joint) =>
      knowledge.verifyJointly(under, batch, [...batchProof], 0, id("b0"), first.tree.getProof(1));
    expect(await verify(good)).toBe(true);
    expect(await verify({ ...good, author: second.author })).toBe(false);
    expect(await verify({ ...good, author: contracts.stranger.address })).toBe(false);
    expect(await verify({ ...good, root: second.root })).toBe(false);
    expect(await verify({ ...good, count: 3 })).toBe(false);
    expect(await verify({ ...good, manifest: id("other") })).toBe(false);
    expect(await verify({ ...good, deadline: 1n })).toBe(false);
    expect(await verify(good, tree.path(1))).toBe(false);
    expect(await verify(good, [])).toBe(false);
    expect(await verify(good, [...tree.path(0), ZeroHash])).toBe(false);
    for (const change of [{ root: batchDigest(contracts, good) }, { manifest: id("other") }, { epoch: 0 }]) {
      expect(await verify(good, tree.path(0), { ...joint, ...change })).toBe(false);
    }
  });

  it("proves one batch of an author: a second one that it hid in the tree proves nothing", async () => {
    const { knowledge } = contracts;
    const author = contracts.nodes[1]?.address ?? "";
    const [own, hidden] = [batchOf(author, ["a1", "b1"]), batchOf(author, ["x", "y"])];
    const leafOf = (batch: typeof own) => batchDigest(contracts, batch) as Hex;
    // Everywhere but at the author's index, and the author has signed the root: it drafted it.
    const elsewhere = [0, 2, 3, 4, 5, 6, 7].map((position) => [position, leafOf(hidden)] as const);
    const tree = buildPositionTree(new Map([[1, leafOf(own)], ...elsewhere]));
    const joint = { ...jointOf([1]).joint, root: tree.root, batches: 2 };
    await send(joint, [1]);
    const verify = (batch: typeof own, path: readonly string[], name: string) =>
      knowledge.verifyJointly(joint, saidOf(batch), [...path], 0, id(name), batch.tree.getProof(1));
    expect(await verify(own, tree.path(1), "b1")).toBe(true);
    for (const [position] of elsewhere) {
      const path = tree.path(position);
      expect(await verify(hidden, path, "y")).toBe(false);
      // Nor with the path of another depth.
      for (let depth = 0; depth < 4; depth++) {
        expect(await verify(hidden, path.slice(0, depth), "y")).toBe(false);
        expect(await verify(hidden, path.slice(path.length - depth), "y")).toBe(false);
      }
    }
  });

  it("proves the batch of a seat's agent, and none of its operator: one seat would have two under one bit", async () => {
    const { knowledge, later, registry, stranger } = contracts;
    const operator = later[0]?.address ?? "";
    await registry.admit([admissionOf(operator, "seat", { agent: stranger.address })]);
    const epoch = Number(await registry.epoch());
    for (const [author, holds] of [
      [stranger.address, true],
      [operator, false],
    ] as const) {
      const batch = batchOf(author, ["a", "b"]);
      const tree = buildPositionTree(new Map([[5, batchDigest(contracts, batch) as Hex]]));
      const joint = { epoch, root: tree.root, batches: 1, manifest: id("batches"), deadline };
      await send(joint, [5], aggregateOver(jointDigest(contracts, joint), [secretOf("seat")]));
      const proof = batch.tree.getProof(1);
      expect(await knowledge.verifyJointly(joint, saidOf(batch), [...tree.path(5)], 0, id("b"), proof)).toBe(holds);
    }
  });

  it("still proves the records of a node that has left since", async () => {
    const together = jointOf([0, 1]);
    await send(together.joint, [0, 1]);
    await removeNodes(contracts.registry, [1]);
    expect(await proves(together, 1)).toBe(true);
  });

  it("is refused where they signed another root, list, count, epoch, deadline, chain or contract", async () => {
    const { joint } = jointOf([0, 1, 2]);
    const all = [0, 1, 2];
    const changes = [
      { root: id("other") },
      { manifest: id("other") },
      { batches: 2 },
      { epoch: 2 },
      { deadline: deadline - 1n },
    ];
    for (const change of changes) {
      const signature = signJointly(contracts, { ...joint, ...change }, all);
      await refused(send(joint, all, signature), joint, INVALID);
    }
    for (const change of [{ chainId: 1n }, { verifyingContract: contracts.stranger.address }, { name: "Other" }]) {
      const domain = { ...contracts.domain, ...change };
      await refused(send(joint, all, signJointly({ ...contracts, domain }, joint, all)), joint, INVALID);
    }
  });

  it("is refused if fewer nodes signed than it claims, or more", async () => {
    const { joint } = jointOf([0, 1, 2]);
    await refused(send(joint, [0, 1, 2], signJointly(contracts, joint, [0, 1])), joint, INVALID);
    await refused(send(joint, [0, 1], signJointly(contracts, joint, [0, 1, 2])), joint, INVALID);
  });

  it("is refused to nobody, to strangers and to nodes that have left", async () => {
    const { joint } = jointOf([0, 1]);
    const signature = signJointly(contracts, joint, [0, 1]);
    await refused(send(joint, [], signature), joint, ["NodeRegistryNoSigners"]);
    await refused(send(joint, [0, 5], signature), joint, ["NodeRegistryNotMembers", 0n, 32n]);
    await removeNodes(contracts.registry, [1]);
    const now = { ...joint, epoch: 2 };
    const left = ["NodeRegistryNotMembers", 0n, 2n];
    await refused(send(now, [0, 1]), joint, left);
  });

  it("is refused in the name of a committee that is not the newest: a removed node anchors no more", async () => {
    const { joint } = jointOf([0, 1]);
    const signature = signJointly(contracts, joint, [0, 1]);
    const [newcomer] = contracts.later;
    if (!newcomer) throw new Error("the network has too few accounts");
    await contracts.registry.admit([admissionOfSigner(newcomer)]);
    await refused(send(joint, [0, 1], signature), joint, ["KnowledgeRegistryPastEpoch", 1n]);
    await refused(send({ ...joint, epoch: 3 }, [0, 1]), joint, ["KnowledgeRegistryPastEpoch", 3n]);
    await send({ ...joint, epoch: 2 }, [0, 1]);
    expect(await contracts.knowledge.jointAuthors(jointDigest(contracts, { ...joint, epoch: 2 }), 0)).toBe(3n);
  });

  it("is taken until its deadline, and never after it: its signers anchor alone then", async () => {
    const now = await networkHelpers.time.latest();
    const { joint } = jointOf([0, 1], { deadline: BigInt(now + 100) });
    await networkHelpers.time.setNextBlockTimestamp(now + 101);
    await refused(send(joint, [0, 1]), joint, ["KnowledgeRegistryLapsed", joint.deadline]);
    const later = jointOf([0, 2], { deadline: BigInt(now + 200) });
    await networkHelpers.time.setNextBlockTimestamp(now + 200);
    await send(later.joint, [0, 2]);
    expect(await proves(later, 0)).toBe(true);
  });

  it("takes its other authors after one member has anchored it alone", async () => {
    const together = jointOf([0, 1, 2, 3]);
    expect(await addedBy(send(together.joint, [2]))).toEqual([[4n]]);
    const anchorId = jointDigest(contracts, together.joint);
    const anchoredAt = await contracts.knowledge.jointlyAnchoredAt(anchorId);
    expect([await proves(together, 2), await proves(together, 0)]).toEqual([true, false]);

    // The whole claim is verified, the early one included, and the event names the new ones alone.
    expect(await addedBy(send(together.joint, [0, 1, 2]))).toEqual([[3n]]);
    expect(await addedBy(send(together.joint, [3]))).toEqual([[8n]]);
    for (const position of [0, 1, 2, 3]) expect(await proves(together, position)).toBe(true);
    expect(await contracts.knowledge.jointlyAnchoredAt(anchorId)).toBe(anchoredAt);
  });

  it("takes others whatever list or deadline a member anchored the same root with before", async () => {
    const together = jointOf([0, 1, 2]);
    await send({ ...together.joint, manifest: id("no list") }, [2]);
    await send({ ...together.joint, deadline: deadline - 1n }, [2]);
    await send({ ...together.joint, batches: 1 }, [2]);
    expect(await addedBy(send(together.joint, [0, 1, 2]))).toEqual([[7n]]);
    for (const position of [0, 1, 2]) expect(await proves(together, position)).toBe(true);
  });

  it("takes no author twice, and says so before it computes a pairing", async () => {
    const { joint } = jointOf([0, 1, 2]);
    await send(joint, [0, 1, 2]);
    const nothingNew = ["KnowledgeRegistryNothingNew", jointDigest(contracts, joint)];
    for (const again of [[0, 1, 2], [1], []]) expect(await revertOf(send(joint, again, "0x"))).toEqual(nothingNew);
  });

  it("takes later authors only with the signature of all whom the claim names", async () => {
    const { joint } = jointOf([0, 1, 2, 3]);
    await send(joint, [0]);
    const anchorId = jointDigest(contracts, joint);
    expect(await revertOf(send(joint, [0, 1], signJointly(contracts, joint, [1])))).toEqual(INVALID);
    expect(await revertOf(send(joint, [1, 2], signJointly(contracts, joint, [1])))).toEqual(INVALID);
    expect(await revertOf(send(joint, [1, 5], signJointly(contracts, joint, [1])))).toEqual([
      "NodeRegistryNotMembers",
      0n,
      32n,
    ]);
    expect(await contracts.knowledge.jointAuthors(anchorId, 0)).toBe(1n);
  });

  it("takes nobody after its deadline, and stands for a day at most: nobody seems to have known of old", async () => {
    const { joint } = jointOf([0, 1]);
    await send(joint, [0]);
    await networkHelpers.time.increaseTo(deadline + 1n);
    expect(await revertOf(send(joint, [1]))).toEqual(["KnowledgeRegistryLapsed", deadline]);
    const now = BigInt(await networkHelpers.time.latest());
    const distant = { ...joint, deadline: now + 2n * DAY };
    await refused(send(distant, [0, 1]), distant, ["KnowledgeRegistryDistantDeadline", distant.deadline]);
  });

  it("is refused without a root, batches or a manifest", async () => {
    for (const change of [{ root: ZeroHash }, { batches: 0 }, { manifest: ZeroHash }]) {
      const { joint } = jointOf([0, 1], change);
      await refused(send(joint, [0, 1]), joint, ["KnowledgeRegistryEmptyAnchor"]);
    }
  });
});
