import { id } from "ethers";
import { describe, expect, it } from "vitest";
import {
  InvalidManifestError,
  NotAnchoredError,
  type UnreadAnchor,
  WrongAuthorError,
} from "../../../src/client/index.js";
import { type ContentStore, createMemoryContent } from "../../../src/ports/content/index.js";
import {
  buildTree,
  type ContentId,
  encodeManifest,
  encodeRecord,
  leafOf,
  type RecordKind,
} from "../../../src/records/index.js";
import { accountOf, incidentRecord } from "../../harness/client/records.js";
import { failureOf, incidentOf, stateOf, useTestDao } from "../../harness/dao.js";

describe("fetchRecord", () => {
  const dao = useTestDao({ nodes: 3 });

  /** Anchors any leaves with any manifest, as a Byzantine node could. */
  async function anchorBy(index: number, leaves: { kind: RecordKind; contentId: ContentId }[], manifest?: ContentId) {
    const { chain, content } = dao.client(index);
    const author = accountOf(dao, index);
    const { root } = buildTree(leaves.map(({ kind, contentId }) => leafOf(author, kind, contentId)));
    const block = encodeManifest({ schema: "witan/batch/1", author, leaves });
    await content.put(block.bytes);
    await chain.send(() => chain.contracts.knowledge.anchor(root, leaves.length, manifest ?? block.contentId));
    return root;
  }

  it("fails with NotAnchoredError when no anchor has the record", async () => {
    const { bytes, contentId } = encodeRecord("Incident", incidentOf("workload/unanchored"));
    await dao.content.put(bytes);
    const error = await failureOf(dao.client(1).fetchRecord({ contentId }));
    expect(error).toBeInstanceOf(NotAnchoredError);
    expect(error).toMatchObject({ code: "not-anchored", contentId });
  });

  it("returns the record of the author that is asked for, or none", async () => {
    const value = incidentOf("workload/seen-by-two");
    const { contentId } = encodeRecord("Incident", value);
    await dao.client(0).anchorRecords({ records: [{ kind: "Incident", value }] });
    await dao.client(1).anchorRecords({ records: [{ kind: "Incident", value }] });
    const reader = dao.client(2);
    for (const author of [accountOf(dao, 0), accountOf(dao, 1)]) {
      expect((await reader.fetchRecord({ contentId, author })).author).toBe(author);
    }
    const error = await failureOf(reader.fetchRecord({ contentId, author: accountOf(dao, 2) }));
    expect(error).toBeInstanceOf(WrongAuthorError);
    expect([...error.found].sort()).toEqual([accountOf(dao, 0), accountOf(dao, 1)].sort());
  });

  it("refuses a state that another node anchored", async () => {
    const { bytes, contentId } = encodeRecord("State", stateOf(accountOf(dao, 2), 77));
    await dao.content.put(bytes);
    await anchorBy(1, [{ kind: "State", contentId }]);
    expect(await failureOf(dao.client(0).fetchRecord({ contentId }))).toBeInstanceOf(WrongAuthorError);

    await dao.client(2).anchorRecords({ records: [{ kind: "State", value: stateOf(accountOf(dao, 2), 77) }] });
    await anchorBy(1, [
      { kind: "State", contentId },
      { kind: "Incident", contentId },
    ]);
    expect((await dao.client(0).fetchRecord({ contentId })).author).toBe(accountOf(dao, 2));
  });

  it("refuses bytes that are another kind of record", async () => {
    const { bytes, contentId } = encodeRecord("Incident", incidentOf("workload/in-disguise"));
    await dao.content.put(bytes);
    await anchorBy(1, [{ kind: "Outcome", contentId }]);
    expect(await failureOf(dao.client(0).fetchRecord({ contentId }))).toMatchObject({ code: "invalid-record" });
  });

  it("fails with content-missing when the record is anchored and no peer has it", async () => {
    const { contentId } = encodeRecord("Incident", incidentOf("workload/lost"));
    await anchorBy(1, [{ kind: "Incident", contentId }]);
    expect(await failureOf(dao.client(0).fetchRecord({ contentId }))).toMatchObject({ code: "content-missing" });
  });

  it("finds a record among anchors whose manifests are missing or false", async () => {
    const lost = await anchorBy(1, [{ kind: "Incident", contentId: id("a") as ContentId }], id("nowhere") as ContentId);
    const { bytes, contentId: noManifest } = encodeRecord("Incident", incidentOf("no manifest"));
    await dao.content.put(bytes);
    const wrong = await anchorBy(1, [{ kind: "Incident", contentId: id("b") as ContentId }], noManifest);
    const foreign = encodeManifest({
      schema: "witan/batch/1",
      author: accountOf(dao, 0),
      leaves: [{ kind: "Incident", contentId: id("c") as ContentId }],
    });
    await dao.content.put(foreign.bytes);
    const stolen = await anchorBy(1, [{ kind: "Incident", contentId: id("c") as ContentId }], foreign.contentId);
    const other = await anchorBy(
      2,
      [{ kind: "Incident", contentId: id("d") as ContentId }],
      encodeManifest({
        schema: "witan/batch/1",
        author: accountOf(dao, 2),
        leaves: [{ kind: "Incident", contentId: id("c") as ContentId }],
      }).contentId,
    );

    const anchored = await dao.client(0).anchorRecords({ records: [incidentRecord("workload/among-them")] });
    const reader = await dao.connect();
    const [record] = anchored.records;
    expect((await reader.fetchRecord({ contentId: record?.contentId ?? "0x" })).author).toBe(accountOf(dao, 0));

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

  it("asks once more for a manifest that was out of reach, but not at once", async () => {
    const asked: string[] = [];
    const memory = createMemoryContent();
    const content: ContentStore = {
      ...memory,
      get: async (cid, options) => {
        asked.push(cid);
        return memory.get(cid, options);
      },
    };
    await anchorBy(1, [{ kind: "Incident", contentId: id("a") as ContentId }], id("nowhere") as ContentId);
    const reader = await dao.connect(undefined, content);
    await reader.listRecords();
    const { length } = asked;
    expect(length).toBeGreaterThan(0);
    await reader.listRecords();
    expect(asked).toHaveLength(length);
  });

  it("stops when the caller aborts", async () => {
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    const { contentId } = encodeRecord("Incident", incidentOf("workload/never"));
    expect(await failureOf(dao.client(1).fetchRecord({ contentId, signal: stop.signal }))).toMatchObject({
      message: "enough",
    });
  });
});
