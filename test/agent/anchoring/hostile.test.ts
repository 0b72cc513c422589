import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AnchoringMessage, decodeMessage, encodeMessage } from "../../../src/agent/anchoring/message.js";
import { type JointMessage, jointTree } from "../../../src/ports/chain/index.js";
import { checksumAddress, encodeJointManifest, type Hex, type JointBatch } from "../../../src/records/index.js";
import { stateOf } from "../../harness/records.js";
import { type AnchoringMesh, createAnchoringMesh } from "./anchoringMesh.js";

const FIVE = [0, 1, 2, 3, 4];
/** The honest nodes draft nothing meanwhile, however long the messages of the sixth take. */
const ALONE = { gatherMs: 3_600_000 };
const other: Hex = `0x${"ab".repeat(32)}`;

/** Five honest nodes, each with a batch that all know of, and a sixth that does what it likes. */
async function offered(options = {}) {
  const mesh = await createAnchoringMesh(6, options);
  await mesh.start(FIVE);
  await mesh.update();
  await mesh.offer(...FIVE);
  const batches: JointBatch[] = [];
  for (const index of FIVE) {
    const batch = await mesh.node(index).outbox.signOffered();
    if (batch !== undefined) batches.push({ ...batch, index });
  }
  const chainTime = await mesh.dao.client().chain.now();
  const { addresses, chainId } = mesh.dao.client().chain;
  const context = { chainId, registry: addresses.KnowledgeRegistry };
  /** A draft of the sixth node over these batches. */
  const draft = async (listed: readonly JointBatch[], change: Partial<JointMessage> = {}): Promise<JointMessage> => {
    const { bytes, contentId } = encodeJointManifest({ schema: "witan/batches/1", batches: listed });
    await mesh.dao.content.put(bytes);
    const root = jointTree(context, { batches: listed }).root;
    const standing = { epoch: 1, root, batches: listed.length, manifest: contentId, deadline: chainTime + 60 };
    return { ...standing, ...change };
  };
  const signed = () => FIVE.filter((index) => (mesh.node(index).outbox.offered?.signed ?? null) !== null);
  return { mesh, batches, chainTime, draft, signed };
}

/** Every message has been validated by all that it reaches, and what it set off has ended, as has what that has sent. */
async function settled({ hub, node }: AnchoringMesh): Promise<void> {
  await hub.settled();
  await Promise.all(FIVE.map((index) => node(index).jobs.settled()));
  await hub.settled();
}

describe("a node that wants others to sign what they should not", () => {
  it("gets no signature for a root that its list does not have, nor for a list of another number", async () => {
    const { batches, draft, mesh, signed } = await offered(ALONE);
    for (const change of [{ root: other }, { batches: 4 }, { manifest: other }]) {
      await mesh.publish(5, { type: "draft", draft: await draft(batches, change) });
    }
    await settled(mesh);
    expect(signed()).toEqual([]);
  });

  it("gets none for another epoch, what has lapsed, or stands for too long", async () => {
    const { batches, chainTime, draft, mesh, signed } = await offered(ALONE);
    const changes = [{ epoch: 2 }, { epoch: 0 }, { deadline: chainTime - 10 }, { deadline: chainTime + 1_000 }];
    for (const change of changes) await mesh.publish(5, { type: "draft", draft: await draft(batches, change) });
    await settled(mesh);
    expect(signed()).toEqual([]);
  });

  it("gets none of a node whose batch it has changed, and none of one that it has left out", async () => {
    const { batches, draft, mesh, signed } = await offered(ALONE);
    const [first, second, ...rest] = batches as [JointBatch, JointBatch, ...JointBatch[]];
    for (const change of [{ root: other }, { count: first.count + 1 }, { manifest: other }, { index: 8 }]) {
      await mesh.publish(5, {
        type: "draft",
        draft: await draft([{ ...first, ...change }, second].sort((a, b) => a.index - b.index)),
      });
    }
    await mesh.publish(5, { type: "draft", draft: await draft(rest) });
    await settled(mesh);
    expect(signed()).not.toContain(0);
  });

  it("gets one signature of each node, whatever else it drafts", async () => {
    const { batches, draft, mesh, signed } = await offered(ALONE);
    await mesh.publish(5, { type: "draft", draft: await draft(batches) });
    await expect.poll(signed).toEqual(FIVE);
    const first = FIVE.map((index) => mesh.node(index).outbox.offered?.signed?.id);
    await mesh.publish(5, { type: "draft", draft: await draft(batches.slice(0, 4)) });
    await settled(mesh);
    expect(FIVE.map((index) => mesh.node(index).outbox.offered?.signed?.id)).toEqual(first);
  });

  it("is not heard where it is no member, and floods nobody with drafts", async () => {
    const { batches, draft, mesh, signed } = await offered(ALONE);
    const good = await draft(batches);
    const bytes = encodeMessage({ type: "draft", draft: good });
    await mesh.hub.peer("stranger").publish(mesh.topic, bytes);
    await settled(mesh);
    expect(signed()).toEqual([]);
    for (let i = 0; i < 20; i++) {
      const root: Hex = `0x${i.toString(16).padStart(64, "0")}`;
      await mesh.publish(5, { type: "draft", draft: { ...good, root } });
    }
    await settled(mesh);
    // Whoever hears it directly has taken four, and relayed no more.
    for (const index of FIVE) expect(mesh.node(index).exchange.counts.accepted).toBeLessThanOrEqual(4 + 5);
  });
});

describe("a node that sends what is not so", () => {
  it("is not believed in another's name", async () => {
    const { batches, mesh } = await offered();
    const [first] = batches as [JointBatch];
    await mesh.update();
    mesh.clock.pass(2_000);
    const forged = { ...first, root: other };
    await mesh.publish(5, { type: "batch", batch: forged });
    await settled(mesh);
    const bad = FIVE.reduce((sum, index) => sum + mesh.node(index).exchange.counts.badSignatures, 0);
    expect(bad).toBeGreaterThan(0);
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
  });

  it("spoils no joint anchor by a signature that is another's, or another draft's", async () => {
    const { batches, draft, mesh } = await offered();
    const good = await draft(batches);
    await mesh.publish(5, { type: "draft", draft: good });
    const stray = mesh.sign(5, { ...good, deadline: good.deadline + 1 });
    const { id, signature } = mesh.sign(5, good).signed;
    const inAnothersName: AnchoringMessage = { type: "signature", signed: { id, index: 1, signature } };
    await mesh.publish(5, stray, inAnothersName);
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    expect((await mesh.anchored()).filter(({ joint }) => joint)).toHaveLength(5);
  });

  it("spoils no joint anchor by signing early: alone on chain, or under another list or deadline", async () => {
    const { batches, draft, mesh } = await offered(ALONE);
    const sixth = mesh.dao.client(5);
    const records = [{ kind: "State", value: stateOf(sixth.account ?? "0x", 99) }] as const;
    const { author, root, count, manifest, signature: own } = await sixth.signBatch({ records, deadline: 0 });
    const good = await draft([...batches, { index: 5, author, root, count, manifest, signature: own }]);
    // Before anybody else has signed, it anchors the root alone, rightly and with what others would refuse.
    for (const said of [good, { ...good, manifest: other }, { ...good, deadline: good.deadline - 1 }]) {
      const { index, signature } = mesh.sign(5, said).signed;
      await sixth.anchorJointly({ ...said, signatures: [{ index, signature }] });
    }
    await mesh.publish(5, { type: "draft", draft: good });
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    const joint = (await mesh.anchored()).filter((each) => each.joint);
    expect(new Set(joint.map(({ author }) => author))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    expect(new Set(joint.filter(({ author }) => author < 5).map(({ transaction }) => transaction)).size).toBe(1);
  });

  it("is cut off once it has sent too much of it", async () => {
    const { mesh } = await offered();
    for (let i = 0; i < 32; i++) await mesh.publish(5, Uint8Array.of(1, 0, i));
    await expect.poll(() => mesh.refused.length).toBeGreaterThan(0);
    expect(new Set(mesh.refused.map(({ peer }) => peer))).toEqual(new Set([mesh.nameOf(5)]));
  });

  it("keeps no batch from its anchor by sending an older one of the same node again", async () => {
    const { batches, mesh } = await offered();
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    const [old] = batches as [JointBatch];
    await mesh.update();
    await mesh.offer(...FIVE);
    mesh.clock.pass(2_000);
    await mesh.publish(5, { type: "batch", batch: old });
    await settled(mesh);
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    expect((await mesh.anchored()).filter(({ joint }) => joint)).toHaveLength(10);
  });
});

describe("messages of nodes that anchor together", () => {
  const hash = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes): Hex => `0x${Buffer.from(bytes).toString("hex")}`);
  const uint32 = fc.nat(0xffff_ffff);
  const batch = fc.record({
    author: fc
      .uint8Array({ minLength: 20, maxLength: 20 })
      .map((bytes) => checksumAddress(`0x${Buffer.from(bytes).toString("hex")}`) ?? "0x"),
    root: hash,
    count: uint32,
    manifest: hash,
    signature: fc
      .uint8Array({ minLength: 65, maxLength: 65 })
      .map((bytes): Hex => `0x${Buffer.from(bytes).toString("hex")}`),
  });
  const draft = fc.record({ epoch: uint32, root: hash, batches: uint32, manifest: hash, deadline: fc.nat(2 ** 47) });
  const signed = fc.record({ id: hash, index: uint32, signature: fc.uint8Array({ minLength: 96, maxLength: 96 }) });
  const message: fc.Arbitrary<AnchoringMessage> = fc.oneof(
    batch.map((each) => ({ type: "batch" as const, batch: each })),
    draft.map((each) => ({ type: "draft" as const, draft: each })),
    signed.map((each) => ({ type: "signature" as const, signed: each })),
  );

  it("are read as they were written", () => {
    fc.assert(
      fc.property(message, (each) => {
        expect(decodeMessage(encodeMessage(each))).toEqual(each);
      }),
    );
  });

  it("are none where a byte is missing or too many, or anybody wrote anything", () => {
    fc.assert(
      fc.property(message, fc.nat(), (each, at) => {
        const bytes = encodeMessage(each);
        expect(decodeMessage(bytes.slice(0, at % bytes.length))).toBeUndefined();
        expect(decodeMessage(Uint8Array.of(...bytes, 0))).toBeUndefined();
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void decodeMessage(bytes)));
  });
});
