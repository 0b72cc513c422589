import { describe, expect, it } from "vitest";
import { checkRecordProof, InvalidProofError } from "../../../src/client/index.js";
import type { Hex, RecordProof } from "../../../src/records/index.js";
import { incidentOf } from "../../client/setting.js";
import { createMesh, GATHER_MS, type Mesh } from "./mesh.js";

const FIVE = [0, 1, 2, 3, 4];

async function seated(nodes = 5): Promise<Mesh> {
  const mesh = await createMesh(nodes);
  await mesh.seat(...Array.from({ length: nodes }, (_, index) => index));
  await mesh.look();
  return mesh;
}

/** All that were anchored together, in one transaction. */
async function together(mesh: Mesh, authors: readonly number[]): Promise<void> {
  const anchored = (await mesh.anchored()).filter(({ joint }) => joint);
  expect(anchored.map(({ author }) => author).sort()).toEqual([...authors].sort());
  expect(new Set(anchored.map(({ transaction }) => transaction)).size).toBe(1);
}

describe("nodes that have their records anchored together", () => {
  it("need one transaction, and each record is proven by it", async () => {
    const mesh = await seated();
    const written = await mesh.offer(...FIVE);
    await mesh.until(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    await together(mesh, FIVE);

    const reader = await mesh.setting.connect();
    for (const [index, contentId] of written.entries()) {
      const author = mesh.seatOf(index).client.account;
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
    const mesh = await seated();
    const [contentId = "0x"] = await mesh.offer(...FIVE);
    await mesh.until(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    const reader = await mesh.setting.connect();
    const file = await reader.proveRecord({ contentId });
    const { joint } = file;
    if (joint === undefined) throw new Error("it was anchored alone");
    const other: Hex = `0x${"ab".repeat(32)}`;
    const stranger = mesh.seatOf(1).client.account ?? "0x";
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
    const mesh = await seated(6);
    mesh.hub.cutOff(mesh.nameOf(5));
    await mesh.offer(...FIVE, 5);
    mesh.pass(GATHER_MS);
    await mesh.until(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    await together(mesh, FIVE);
    mesh.pass(8 * GATHER_MS);
    await mesh.until(() => mesh.waiting(5), [0]);
    expect((await mesh.anchored()).filter(({ joint }) => !joint)).toMatchObject([{ author: 5 }]);
  });

  it("anchor alone where they are too few for it to pay", async () => {
    const mesh = await seated(4);
    expect(mesh.seatOf(0).anchoring.isOpen).toBe(false);
    await mesh.offer(0, 1);
    await mesh.until(() => mesh.waiting(0, 1), [0, 0]);
    expect(await mesh.anchored()).toMatchObject([
      { joint: false, author: 0 },
      { joint: false, author: 1 },
    ]);
  });

  it("do not keep what is urgent waiting", async () => {
    const mesh = await seated();
    await mesh.offer(0);
    const { outbox } = mesh.seatOf(0);
    const { contentId } = await outbox.submit("Incident", incidentOf("replica/web/1"));
    await outbox.settle();
    expect(outbox.anchorOf(contentId)).toBeDefined();
    expect(outbox.waiting).toBe(1);
    await mesh.offer(1, 2, 3, 4);
    await mesh.until(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    await together(mesh, FIVE);
  });

  it("settle what is signed though whoever drafted it is gone", async () => {
    const mesh = await seated(6);
    await mesh.offer(...FIVE, 5);
    mesh.pass(GATHER_MS);
    // Whoever drafts is cut off as soon as it has.
    let author: number | undefined;
    await mesh.until(() => {
      author ??= mesh.logs.find(({ message }) => message === "drafts an anchor of many")?.node;
      return author !== undefined;
    }, true);
    const drafter = author ?? 0;
    mesh.hub.cutOff(mesh.nameOf(drafter));
    const others = [...FIVE, 5].filter((index) => index !== drafter);
    await mesh.stop(drafter);
    mesh.pass(10 * GATHER_MS);
    await mesh.until(() => mesh.waiting(...others), [0, 0, 0, 0, 0]);
    const anchored = (await mesh.anchored()).filter(({ author: by }) => others.includes(by));
    expect(anchored).toHaveLength(5);
    expect(new Set(anchored.map(({ author: by }) => by)).size).toBe(5);
  });

  it("are none of them anchored twice, though what they have signed is held back", async () => {
    const mesh = await seated();
    const [contentId] = await mesh.offer(...FIVE);
    // Whoever has the signatures brings them to nobody.
    for (const index of FIVE) {
      const { client } = mesh.seatOf(index);
      Object.assign(client, { anchorJointly: () => Promise.reject(new Error("withheld")) });
    }
    await mesh.until(
      () => FIVE.map((index) => mesh.seatOf(index).outbox.offered?.signed !== null),
      FIVE.map(() => true),
    );
    mesh.pass(30_000);
    await mesh.look();
    expect(await mesh.anchored()).toEqual([]);
    await mesh.setting.witan.increaseTime(70);
    await mesh.until(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    const anchored = await mesh.anchored();
    expect(anchored.filter(({ joint }) => joint)).toEqual([]);
    expect(anchored.map(({ author }) => author).sort()).toEqual(FIVE);
    const listed = await (await mesh.setting.connect()).listRecords({ limit: 100 });
    expect(listed.filter((record) => record.contentId === contentId)).toHaveLength(1);
  });

  it("know across a restart what they have signed, and sign nothing else", async () => {
    const mesh = await seated();
    await mesh.offer(...FIVE);
    const held = mesh.seatOf(0).client.anchorJointly;
    for (const index of FIVE)
      Object.assign(mesh.seatOf(index).client, { anchorJointly: () => Promise.reject(new Error("later")) });
    await mesh.until(
      () => FIVE.map((index) => mesh.seatOf(index).outbox.offered?.signed !== null),
      FIVE.map(() => true),
    );
    const signed = mesh.seatOf(2).outbox.offered?.signed;
    await mesh.stop(2);
    await mesh.seat(2);
    expect(mesh.seatOf(2).outbox.offered?.signed).toEqual(signed);
    for (const index of FIVE) Object.assign(mesh.seatOf(index).client, { anchorJointly: held });
    await mesh.until(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    await together(mesh, FIVE);
  });

  it("watch it until it is final, and anchor alone what a reorganisation took back", async () => {
    const mesh = await seated();
    const before = await mesh.setting.witan.snapshot();
    await mesh.offer(...FIVE);
    await mesh.until(() => mesh.waiting(...FIVE), [0, 0, 0, 0, 0]);
    await before();
    await mesh.setting.witan.increaseTime(1);
    const { outbox } = mesh.seatOf(0);
    // Until its deadline what was signed may come back.
    expect(await outbox.review()).toEqual([]);
    expect(outbox.unsettled).toBe(1);
    await mesh.setting.witan.increaseTime(100);
    expect(await outbox.review()).toHaveLength(1);
    expect((await mesh.anchored()).filter(({ author }) => author === 0)).toMatchObject([{ joint: false }]);
    await mesh.setting.witan.mine(3);
    await outbox.review();
    expect([outbox.waiting, outbox.unsettled]).toEqual([0, 0]);
  });
});
