import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Address } from "../../../src/records/index.js";
import { createTestDao, stateOf, type TestDao } from "../../harness/dao.js";

describe("listRecords", () => {
  let dao: TestDao;
  beforeAll(async () => {
    dao = await createTestDao({ nodes: 3 });
  });
  afterAll(() => dao.close());

  const accountOf = (index: number) => dao.client(index).account as Address;

  it("lists newest first, by kind, author and block", async () => {
    const author = accountOf(0);
    await dao
      .client(0)
      .anchorRecords({ records: [1, 2, 3].map((n) => ({ kind: "State", value: stateOf(author, 500 + n) })) });
    const last = await dao.client(0).anchorRecords({ records: [{ kind: "State", value: stateOf(author, 600) }] });
    const reader = await dao.connect();
    const listed = await reader.listRecords({ kind: "State", author, limit: 3 });
    expect(listed).toHaveLength(3);
    expect(listed[0]).toMatchObject({ contentId: last.records[0]?.contentId, anchor: { root: last.root } });
    const sequences = listed.map(({ anchor }) => anchor.sequence);
    expect(sequences).toEqual([...sequences].sort((a, b) => Number(b) - Number(a)));
    expect(await reader.listRecords({ fromBlock: last.blockNumber })).toHaveLength(1);
    expect(await reader.listRecords({ limit: 0 })).toEqual([]);
    expect((await reader.listRecords({ kind: "Model" })).length).toBe(0);
  });
});
