import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Hex, subjectHash } from "../../../src/records/index.js";
import { createTestDao, restartOrder, type TestDao } from "../../harness/dao.js";

describe("listDirectives", () => {
  let dao: TestDao;
  beforeAll(async () => {
    dao = await createTestDao({ nodes: 3 });
  });
  afterAll(() => dao.close());

  async function issue(salt: string, window = 600): Promise<Hex> {
    const { proposalId } = await dao
      .client()
      .openProposal({ order: restartOrder, salt: subjectHash(salt), window, delay: 5 });
    return dao.carryOut(proposalId);
  }

  it("lists newest first, by kind, standing and block", async () => {
    const outcome = subjectHash("outcome");
    const done = await issue("first");
    await dao.witan.increaseTime(5);
    for (const index of [0, 1]) await dao.client(index).reportDirective({ directiveId: done, report: "done", outcome });
    await issue("second", 60);
    await dao.witan.increaseTime(100);
    const last = await issue("third");
    const all = await dao.client(2).listDirectives();
    expect(all[0]?.id).toBe(last);
    expect(all.map(({ status }) => status)).toEqual(["Issued", "Lapsed", "Done"]);
    expect(await dao.client(2).listDirectives({ kind: "Deploy" })).toEqual([]);
    expect((await dao.client(2).listDirectives({ statuses: ["Done"] })).map(({ status }) => status)).toEqual(["Done"]);
    expect(await dao.client(2).listDirectives({ limit: 1 })).toHaveLength(1);
    expect(await dao.client(2).listDirectives({ fromBlock: all[0]?.blockNumber })).toHaveLength(1);
  });
});
