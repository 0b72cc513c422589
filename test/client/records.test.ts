import { id } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  InvalidManifestError,
  InvalidProofError,
  NotAnchoredError,
  type UnreadAnchor,
  WrongAuthorError,
} from "../../src/client/index.js";
import { type ContentStore, createMemoryContent } from "../../src/ports/content/index.js";
import {
  type Address,
  buildTree,
  type ContentId,
  encodeManifest,
  encodeRecord,
  leafOf,
  type RecordKind,
} from "../../src/records/index.js";
import { operatorKey } from "../fixtures/deploy.js";
import { createSetting, failureOf, incidentOf, type Setting, stateOf } from "./setting.js";

describe("records", () => {
  let setting: Setting;
  beforeAll(async () => {
    setting = await createSetting({ nodes: 3 });
  });
  afterAll(() => setting.close());

  const accountOf = (index: number) => setting.client(index).account as Address;
  const incident = (subject: string) => ({ kind: "Incident", value: incidentOf(subject) }) as const;

  /** Anchors whatever leaves are given, as a Byzantine node could, and stores what it likes as the manifest. */
  async function anchorBy(index: number, leaves: { kind: RecordKind; contentId: ContentId }[], manifest?: ContentId) {
    const { chain, content } = setting.client(index);
    const author = accountOf(index);
    const { root } = buildTree(leaves.map(({ kind, contentId }) => leafOf(author, kind, contentId)));
    const block = encodeManifest({ schema: "witan/batch/1", author, leaves });
    await content.put(block.bytes);
    await chain.send(() => chain.contracts.knowledge.anchor(root, leaves.length, manifest ?? block.contentId));
    return root;
  }

  it("are anchored many at once and come back verified, to any node", async () => {
    const value = stateOf(accountOf(0));
    const anchored = await setting
      .client(0)
      .anchorRecords({ records: [{ kind: "State", value }, incident("replica/a")] });
    expect(anchored.sequence).toBe(1);
    expect(anchored.records).toHaveLength(2);

    for (const { kind, contentId, cid, leaf, proof } of anchored.records) {
      const record = await setting.client(1).fetchRecord({ contentId });
      expect(record).toMatchObject({ kind, contentId, cid, leaf, proof, author: accountOf(0) });
      expect(record.anchor).toMatchObject({
        root: anchored.root,
        sequence: 1,
        transactionHash: anchored.transactionHash,
      });
      expect(record.anchor.anchoredAt).toBeGreaterThan(1_700_000_000);
    }
    const [first] = anchored.records;
    const state = await setting.client(2).fetchRecord({ contentId: first?.contentId ?? "0x", kind: "State" });
    expect(state.value).toEqual(value);
  });

  it("are anchored once, however often", async () => {
    const records = [incident("replica/once"), incident("replica/once"), incident("replica/twice")];
    const first = await setting.client(0).anchorRecords({ records });
    const second = await setting.client(0).anchorRecords({ records });
    expect(first.receipt).not.toBeNull();
    expect(second).toEqual({ ...first, receipt: null });
    expect(first.records.map(({ contentId }) => contentId)).toHaveLength(3);
    expect(first.records[0]).toEqual(first.records[1]);
  });

  it("are anchored once by two processes of one node at the same moment", async () => {
    const twin = await setting.connect(setting.witan.operators[0]);
    const records = [incident("replica/twins")];
    const [a, b] = await Promise.all([setting.client(0).anchorRecords({ records }), twin.anchorRecords({ records })]);
    expect(a.root).toBe(b.root);
    expect([a.receipt, b.receipt].filter((receipt) => receipt === null)).toHaveLength(1);
  });

  it("are refused before anything is written", async () => {
    const client = setting.client(0);
    const before = await client.chain.blockNumber();
    const broken = { kind: "State", value: { ...stateOf(accountOf(0)), phi: Number.NaN } } as const;
    expect(await failureOf(client.anchorRecords({ records: [broken] }))).toMatchObject({ code: "invalid-record" });
    expect(await failureOf(client.anchorRecords({ records: [] }))).toMatchObject({ code: "invalid-input" });
    expect(await client.chain.blockNumber()).toBe(before);
  });

  it("are anchored by members alone, and by somebody", async () => {
    const stranger = await setting.connect(operatorKey("stranger"));
    const records = [incident("replica/stranger")];
    expect(await failureOf(stranger.anchorRecords({ records }))).toMatchObject({
      errorName: "KnowledgeRegistryNotMember",
    });
    const reader = await setting.connect();
    expect(await failureOf(reader.anchorRecords({ records }))).toMatchObject({ kind: "read-only" });
  });

  it("are not given when no anchor holds them", async () => {
    const { bytes, contentId } = encodeRecord("Incident", incidentOf("replica/unanchored"));
    await setting.content.put(bytes);
    const error = await failureOf(setting.client(1).fetchRecord({ contentId }));
    expect(error).toBeInstanceOf(NotAnchoredError);
    expect(error).toMatchObject({ code: "not-anchored", contentId });
  });

  it("are given by the author that is asked for, or not at all", async () => {
    const value = incidentOf("replica/seen-by-two");
    const { contentId } = encodeRecord("Incident", value);
    await setting.client(0).anchorRecords({ records: [{ kind: "Incident", value }] });
    await setting.client(1).anchorRecords({ records: [{ kind: "Incident", value }] });
    const reader = setting.client(2);
    for (const author of [accountOf(0), accountOf(1)]) {
      expect((await reader.fetchRecord({ contentId, author })).author).toBe(author);
    }
    const error = await failureOf(reader.fetchRecord({ contentId, author: accountOf(2) }));
    expect(error).toBeInstanceOf(WrongAuthorError);
    expect([...error.found].sort()).toEqual([accountOf(0), accountOf(1)].sort());
  });

  it("say of whom they are: a state anchored by another node is refused", async () => {
    const { bytes, contentId } = encodeRecord("State", stateOf(accountOf(2), 77));
    await setting.content.put(bytes);
    await anchorBy(1, [{ kind: "State", contentId }]);
    expect(await failureOf(setting.client(0).fetchRecord({ contentId }))).toBeInstanceOf(WrongAuthorError);

    await setting.client(2).anchorRecords({ records: [{ kind: "State", value: stateOf(accountOf(2), 77) }] });
    await anchorBy(1, [
      { kind: "State", contentId },
      { kind: "Incident", contentId },
    ]);
    expect((await setting.client(0).fetchRecord({ contentId })).author).toBe(accountOf(2));
  });

  it("are refused when their bytes are another kind of record", async () => {
    const { bytes, contentId } = encodeRecord("Incident", incidentOf("replica/in-disguise"));
    await setting.content.put(bytes);
    await anchorBy(1, [{ kind: "Outcome", contentId }]);
    expect(await failureOf(setting.client(0).fetchRecord({ contentId }))).toMatchObject({ code: "invalid-record" });
  });

  it("are reported missing when they are anchored and nobody has them", async () => {
    const { contentId } = encodeRecord("Incident", incidentOf("replica/lost"));
    await anchorBy(1, [{ kind: "Incident", contentId }]);
    expect(await failureOf(setting.client(0).fetchRecord({ contentId }))).toMatchObject({ code: "content-missing" });
  });

  it("are found in spite of anchors whose manifests are missing or false", async () => {
    const lost = await anchorBy(1, [{ kind: "Incident", contentId: id("a") as ContentId }], id("nowhere") as ContentId);
    const { bytes, contentId: noManifest } = encodeRecord("Incident", incidentOf("no manifest"));
    await setting.content.put(bytes);
    const wrong = await anchorBy(1, [{ kind: "Incident", contentId: id("b") as ContentId }], noManifest);
    const foreign = encodeManifest({
      schema: "witan/batch/1",
      author: accountOf(0),
      leaves: [{ kind: "Incident", contentId: id("c") as ContentId }],
    });
    await setting.content.put(foreign.bytes);
    const stolen = await anchorBy(1, [{ kind: "Incident", contentId: id("c") as ContentId }], foreign.contentId);
    const other = await anchorBy(
      2,
      [{ kind: "Incident", contentId: id("d") as ContentId }],
      encodeManifest({
        schema: "witan/batch/1",
        author: accountOf(2),
        leaves: [{ kind: "Incident", contentId: id("c") as ContentId }],
      }).contentId,
    );

    const anchored = await setting.client(0).anchorRecords({ records: [incident("replica/among-them")] });
    const reader = await setting.connect();
    const [record] = anchored.records;
    expect((await reader.fetchRecord({ contentId: record?.contentId ?? "0x" })).author).toBe(accountOf(0));

    const unread: UnreadAnchor[] = [];
    await reader.listRecords({ limit: 1_000, onUnread: (one) => unread.push(one) });
    expect(unread.map(({ anchor }) => anchor.root).sort()).toEqual([lost, wrong, stolen, other].sort());
    const errors = unread
      .filter(({ anchor }) => anchor.root === wrong || anchor.root === stolen)
      .map(({ error }) => error);
    for (const error of errors) expect(error).toBeInstanceOf(InvalidManifestError);

    const error = await failureOf(reader.fetchRecord({ contentId: id("a") as ContentId }));
    expect(error).toMatchObject({ code: "not-anchored", retryable: true });
  });

  it("are asked for once more when a manifest was out of reach, but not at once", async () => {
    const asked: string[] = [];
    const memory = createMemoryContent();
    const content: ContentStore = {
      ...memory,
      get: async (cid, options) => {
        asked.push(cid);
        return memory.get(cid, options);
      },
    };
    const reader = await setting.connect(undefined, content);
    await reader.listRecords();
    const { length } = asked;
    await reader.listRecords();
    expect(asked).toHaveLength(length);
  });

  it("are listed newest first, by kind, author and block", async () => {
    const author = accountOf(0);
    await setting
      .client(0)
      .anchorRecords({ records: [1, 2, 3].map((n) => ({ kind: "State", value: stateOf(author, 500 + n) })) });
    const last = await setting.client(0).anchorRecords({ records: [{ kind: "State", value: stateOf(author, 600) }] });
    const reader = await setting.connect();
    const listed = await reader.listRecords({ kind: "State", author, limit: 3 });
    expect(listed).toHaveLength(3);
    expect(listed[0]).toMatchObject({ contentId: last.records[0]?.contentId, anchor: { root: last.root } });
    const sequences = listed.map(({ anchor }) => anchor.sequence);
    expect(sequences).toEqual([...sequences].sort((a, b) => Number(b) - Number(a)));
    expect(await reader.listRecords({ fromBlock: last.blockNumber })).toHaveLength(1);
    expect(await reader.listRecords({ limit: 0 })).toEqual([]);
    expect((await reader.listRecords({ kind: "Model" })).length).toBe(0);
  });

  it("are proved to anybody by leaf and proof, and by nothing else", async () => {
    const { root, records } = await setting.client(0).anchorRecords({
      records: ["p", "q", "r"].map((name) => incident(`replica/${name}`)),
    });
    const reader = await setting.connect();
    const [first, second] = records;
    if (first === undefined || second === undefined) throw new Error("three records were anchored");
    const claim = { kind: first.kind, contentId: first.contentId, proof: first.proof, author: accountOf(0), root };
    expect(await reader.verifyRecord(claim)).toMatchObject({ leaf: first.leaf });
    for (const wrong of [
      { ...claim, proof: second.proof },
      { ...claim, contentId: second.contentId },
      { ...claim, kind: "State" as const },
      { ...claim, author: accountOf(1) },
      { ...claim, root: id("root") as ContentId },
      { ...claim, proof: [] },
    ]) {
      expect(await failureOf(reader.verifyRecord(wrong))).toBeInstanceOf(InvalidProofError);
    }
    const leaf = leafOf(accountOf(1), first.kind, first.contentId);
    const unanchored = { ...claim, author: accountOf(1), root: buildTree([leaf]).root, proof: [] };
    expect(await failureOf(reader.verifyRecord(unanchored))).toBeInstanceOf(NotAnchoredError);
  });

  it("stop being fetched when the reader does", async () => {
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    const { contentId } = encodeRecord("Incident", incidentOf("replica/never"));
    expect(await failureOf(setting.client(1).fetchRecord({ contentId, signal: stop.signal }))).toMatchObject({
      message: "enough",
    });
  });
});
