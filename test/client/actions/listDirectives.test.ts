import { describe, expect, it } from "vitest";
import { subjectHash } from "../../../src/records/index.js";
import { issueRestart } from "../../harness/client/directives.js";
import { useTestDao } from "../../harness/dao.js";

describe("listDirectives", () => {
  const dao = useTestDao({ nodes: 3 });

  it("lists newest first, by kind, standing and block", async () => {
    const outcome = subjectHash("outcome");
    const done = await issueRestart(dao);
    await dao.witan.increaseTime(5);
    for (const index of [0, 1]) await dao.client(index).reportDirective({ directiveId: done, report: "done", outcome });
    await issueRestart(dao, 60);
    await dao.witan.increaseTime(100);
    const last = await issueRestart(dao);
    const all = await dao.client(2).listDirectives();
    expect(all[0]?.id).toBe(last);
    expect(all.map(({ status }) => status)).toEqual(["Issued", "Lapsed", "Done"]);
    expect(await dao.client(2).listDirectives({ kind: "Deploy" })).toEqual([]);
    expect((await dao.client(2).listDirectives({ statuses: ["Done"] })).map(({ status }) => status)).toEqual(["Done"]);
    expect(await dao.client(2).listDirectives({ limit: 1 })).toHaveLength(1);
    expect(await dao.client(2).listDirectives({ fromBlock: all[0]?.blockNumber })).toHaveLength(1);
  });
});
