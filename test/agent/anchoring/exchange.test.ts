import { describe, expect, it } from "vitest";
import { checkRecordProof, InvalidProofError } from "../../../src/client/index.js";
import type { Hex, RecordProof } from "../../../src/records/index.js";
import { incidentOf } from "../../harness/dao.js";
import { type AnchoringMesh, createAnchoringMesh, GATHER_MS } from "./anchoringMesh.js";

const FIVE = [0, 1, 2, 3, 4];

async function started(nodes = 5): Promise<AnchoringMesh> {
  const mesh = await createAnchoringMesh(nodes);
  await mesh.start(Array.from({ length: nodes }, (_, index) => index));
  await mesh.update();
  return mesh;
}

/** All that were anchored together, in one transaction. */
async function together(mesh: AnchoringMesh, authors: readonly number[]): Promise<void> {
  const anchored = (await mesh.anchored()).filter(({ joint }) => joint);
  expect(anchored.map(({ author }) => author).sort()).toEqual([...authors].sort());
  expect(new Set(anchored.map(({ transaction }) => transaction)).size).toBe(1);
}

describe("nodes that have their records anchored together", () => {
  it("need one transaction, and each record is proven by it", async () => {
    const mesh = await started();
    const written = await mesh.offer(...FIVE);
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    await together(mesh, FIVE);

    const reader = await mesh.dao.connect();
    for (const [index, contentId] of written.entries()) {
      const author = mesh.node(index).client.account;
      const record = await reader.fetchRecord({ contentId });
      expect(record).toMatchObject({ author, kind: "State", anchor: { sequence: null } });
      const { anchor, kind, proof } = record;
      const claim = { kind, contentId, author: record.author, root: anchor.root, proof, joint: anchor.joint };
      expect(await reader.verifyRecord(claim)).toMatchObject({ leaf: record.leaf, sequence: null });
      await expect(reader.verifyRecord({ ...claim, joint: null })).rejects.toMatchObject({ code: "not-anchored" });

      const file = await reader.proveRecord({ contentId });
      expect(checkRecordProof(JSON.parse(JSON.stringify(file)))).toMatchObject({ author, joint: anchor.joint?.root });
      expect(await reader.confirmRecordProof(file)).toMatchObject({ sequence: null, confirmations: 1 });
    }
    const listed = await reader.listRecords({ limit: 100 });
    expect(listed.map(({ contentId }) => contentId).sort()).toEqual([...written].sort());
  });

  it("refuse every altered proof of it", async () => {
    const mesh = await started();
    const [contentId = "0x"] = await mesh.offer(...FIVE);
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    const reader = await mesh.dao.connect();
    const file = await reader.proveRecord({ contentId });
    const { joint } = file;
    if (joint === undefined) throw new Error("it was anchored alone");
    const other: Hex = `0x${"ab".repeat(32)}`;
    const stranger = mesh.node(1).client.account ?? "0x";
    const changes: Partial<RecordProof>[] = [
      { author: stranger },
      { root: other },
      { contentId: other },
      { path: [other] },
      { joint: { ...joint, root: other } },
      { joint: { ...joint, path: [] } },
      { joint: { ...joint, path: [other, ...joint.path.slice(1)] } },
      { joint: { ...joint, count: joint.count + 1 } },
      { joint: { ...joint, manifest: other } },
      { joint: { ...joint, signature: `0x${"11".repeat(65)}` } },
      { anchor: { ...file.anchor, chainId: file.anchor.chainId + 1 } },
      { anchor: { ...file.anchor, registry: stranger } },
    ];
    for (const change of changes) {
      expect(() => checkRecordProof({ ...file, ...change })).toThrow(InvalidProofError);
    }
    // Without its author's signature under the joint anchor the contract proves nothing: only it can tell.
    const { joint: _, ...alone } = file;
    expect(() => checkRecordProof(alone)).toThrow("anchors nothing");
  });

  it("go without whoever is away, which anchors alone", async () => {
    const mesh = await started(6);
    mesh.cutOff(5);
    await mesh.offer(...FIVE, 5);
    mesh.clock.pass(GATHER_MS);
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    await together(mesh, FIVE);
    mesh.clock.pass(8 * GATHER_MS);
    await mesh.updateUntil(() => mesh.waiting(5), [0]);
    expect((await mesh.anchored()).filter(({ joint }) => !joint)).toMatchObject([{ author: 5 }]);
  });

  it("anchor alone where they are too few for it to pay", async () => {
    const mesh = await started(4);
    expect(mesh.node(0).exchange.isOpen).toBe(false);
    await mesh.offer(0, 1);
    await mesh.updateUntil(() => mesh.waiting(0, 1), [0, 0]);
    const anchored = (await mesh.anchored()).sort((a, b) => a.author - b.author);
    expect(anchored).toMatchObject([
      { joint: false, author: 0 },
      { joint: false, author: 1 },
    ]);
  });

  it("do not keep what is urgent waiting", async () => {
    const mesh = await started();
    await mesh.offer(0);
    const { outbox } = mesh.node(0);
    const { contentId } = await outbox.submit("Incident", incidentOf("replica/web/1"));
    await outbox.settle();
    expect(outbox.anchorOf(contentId)).toBeDefined();
    expect(outbox.waiting).toBe(1);
    await mesh.offer(1, 2, 3, 4);
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    await together(mesh, FIVE);
  });

  it("settle what is signed though whoever drafted it is gone", async () => {
    const mesh = await started(6);
    await mesh.offer(...FIVE, 5);
    mesh.clock.pass(GATHER_MS);
    // The node that drafts is cut off as soon as the others have signed its draft.
    let author: number | undefined;
    await mesh.updateUntil(() => {
      author ??= mesh.logs.find(({ message }) => message === "drafts an anchor of many")?.node;
      const others = [...FIVE, 5].filter((index) => index !== author).map((index) => mesh.node(index).outbox);
      return (
        author !== undefined &&
        others.every(({ offered, waiting }) => waiting === 0 || (offered?.signed ?? null) !== null)
      );
    }, true);
    const drafter = author ?? 0;
    mesh.cutOff(drafter);
    const others = [...FIVE, 5].filter((index) => index !== drafter);
    await mesh.stop(drafter);
    mesh.clock.pass(10 * GATHER_MS);
    await mesh.updateUntil(async () => {
      // The drafter may have brought some of the signatures before it went: whoever was left out then waits until what it has
      // signed has expired on chain.
      mesh.clock.pass(GATHER_MS);
      await mesh.dao.witan.increaseTime(2);
      return mesh.waiting(...others);
    }, [0, 0, 0, 0, 0]);
    const anchored = (await mesh.anchored()).filter(({ author: by }) => others.includes(by));
    expect(anchored).toHaveLength(5);
    expect(new Set(anchored.map(({ author: by }) => by)).size).toBe(5);
  });

  it("are none of them anchored twice, though what they have signed is held back", async () => {
    const mesh = await started();
    const [contentId] = await mesh.offer(...FIVE);
    // Whoever has the signatures brings them to nobody.
    for (const index of FIVE) {
      const { client } = mesh.node(index);
      Object.assign(client, { anchorJointly: () => Promise.reject(new Error("withheld")) });
    }
    await mesh.updateUntil(
      () => FIVE.map((index) => (mesh.node(index).outbox.offered?.signed ?? null) !== null),
      FIVE.map(() => true),
    );
    mesh.clock.pass(30_000);
    await mesh.update();
    expect(await mesh.anchored()).toEqual([]);
    await mesh.dao.witan.increaseTime(70);
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    const anchored = await mesh.anchored();
    expect(anchored.filter(({ joint }) => joint)).toEqual([]);
    expect(anchored.map(({ author }) => author).sort()).toEqual(FIVE);
    const listed = await (await mesh.dao.connect()).listRecords({ limit: 100 });
    expect(listed.filter((record) => record.contentId === contentId)).toHaveLength(1);
  });

  it("know across a restart what they have signed, and sign nothing else", async () => {
    const mesh = await started();
    await mesh.offer(...FIVE);
    const held = mesh.node(0).client.anchorJointly;
    for (const index of FIVE)
      Object.assign(mesh.node(index).client, { anchorJointly: () => Promise.reject(new Error("later")) });
    await mesh.updateUntil(
      () => FIVE.map((index) => (mesh.node(index).outbox.offered?.signed ?? null) !== null),
      FIVE.map(() => true),
    );
    const signed = mesh.node(2).outbox.offered?.signed;
    await mesh.stop(2);
    await mesh.start([2]);
    expect(mesh.node(2).outbox.offered?.signed).toEqual(signed);
    for (const index of FIVE) Object.assign(mesh.node(index).client, { anchorJointly: held });
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    await together(mesh, FIVE);
  });

  it("watch it until it is final, and anchor alone what a reorganisation took back", async () => {
    const mesh = await started();
    const before = await mesh.dao.witan.snapshot();
    await mesh.offer(...FIVE);
    await mesh.updateUntil(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    await before();
    await mesh.dao.witan.increaseTime(1);
    const { outbox } = mesh.node(0);
    // Until its deadline what was signed may come back.
    expect(await outbox.review()).toEqual([]);
    expect(outbox.unsettled).toBe(1);
    await mesh.dao.witan.increaseTime(100);
    expect(await outbox.review()).toHaveLength(1);
    expect((await mesh.anchored()).filter(({ author }) => author === 0)).toMatchObject([{ joint: false }]);
    await mesh.dao.witan.mine(3);
    await outbox.review();
    expect([outbox.waiting, outbox.unsettled]).toEqual([0, 0]);
  });
});
