import { describe, expect, it } from "vitest";
import { accountOf, incidentRecord } from "../../harness/client/records.js";
import { failureOf, stateOf, useTestDao } from "../../harness/dao.js";
import { operatorKey } from "../../harness/deploy.js";

describe("anchorRecords", () => {
  const dao = useTestDao({ nodes: 3 });

  it("anchors many records at once, which any node fetches and verifies", async () => {
    const value = stateOf(accountOf(dao, 0));
    const anchored = await dao
      .client(0)
      .anchorRecords({ records: [{ kind: "State", value }, incidentRecord("workload/a")] });
    expect(anchored.sequence).toBe(1);
    expect(anchored.records).toHaveLength(2);

    for (const { kind, contentId, cid, leaf, proof } of anchored.records) {
      const record = await dao.client(1).fetchRecord({ contentId });
      expect(record).toMatchObject({ kind, contentId, cid, leaf, proof, author: accountOf(dao, 0) });
      expect(record.anchor).toMatchObject({
        root: anchored.root,
        sequence: 1,
        transactionHash: anchored.transactionHash,
      });
      expect(record.anchor.anchoredAt).toBeGreaterThan(1_700_000_000);
    }
    const [first] = anchored.records;
    const state = await dao.client(2).fetchRecord({ contentId: first?.contentId ?? "0x", kind: "State" });
    expect(state.value).toEqual(value);
  });

  it("anchors the same records once, however often it is called", async () => {
    const records = [
      incidentRecord("workload/once"),
      incidentRecord("workload/once"),
      incidentRecord("workload/twice"),
    ];
    const first = await dao.client(0).anchorRecords({ records });
    const second = await dao.client(0).anchorRecords({ records });
    expect(first.receipt).not.toBeNull();
    expect(second).toEqual({ ...first, receipt: null });
    expect(first.records.map(({ contentId }) => contentId)).toHaveLength(3);
    expect(first.records[0]).toEqual(first.records[1]);
  });

  it("anchors once when two processes of one node anchor the same at the same moment", async () => {
    const twin = await dao.connect(dao.witan.operators[0]);
    const records = [incidentRecord("workload/twins")];
    const [a, b] = await Promise.all([dao.client(0).anchorRecords({ records }), twin.anchorRecords({ records })]);
    expect(a.root).toBe(b.root);
    expect([a.receipt, b.receipt].filter((receipt) => receipt === null)).toHaveLength(1);
  });

  it("refuses a broken record before anything is sent", async () => {
    const client = dao.client(0);
    const before = await client.chain.blockNumber();
    const broken = { kind: "State", value: { ...stateOf(accountOf(dao, 0)), phi: Number.NaN } } as const;
    expect(await failureOf(client.anchorRecords({ records: [broken] }))).toMatchObject({ code: "invalid-record" });
    expect(await failureOf(client.anchorRecords({ records: [] }))).toMatchObject({ code: "invalid-input" });
    expect(await client.chain.blockNumber()).toBe(before);
  });

  it("refuses accounts that are no members, and clients without an account", async () => {
    const stranger = await dao.connect(operatorKey("stranger"));
    const records = [incidentRecord("workload/stranger")];
    expect(await failureOf(stranger.anchorRecords({ records }))).toMatchObject({
      errorName: "KnowledgeRegistryNotMember",
    });
    const reader = await dao.connect();
    expect(await failureOf(reader.anchorRecords({ records }))).toMatchObject({ kind: "read-only" });
  });
});
