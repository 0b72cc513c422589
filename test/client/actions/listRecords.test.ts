import { describe, expect, it } from "vitest";
import { accountOf } from "../../harness/client/records.js";
import { stateOf, useTestDao } from "../../harness/dao.js";

describe("listRecords", () => {
  const dao = useTestDao({ nodes: 3 });

  it("lists newest first, by kind, author and block", async () => {
    const author = accountOf(dao, 0);
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
