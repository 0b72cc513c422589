import { describe, expect, it } from "vitest";
import { NO_CONTENT } from "../../../src/ports/chain/index.js";
import { type Address, type ContentId, subjectHash } from "../../../src/records/index.js";
import { createAggregateSender } from "../../harness/aggregates.js";
import { useChangingDao } from "../../harness/client/daos.js";
import { ban, issue, rotate } from "../../harness/client/directives.js";
import { accountOf } from "../../harness/client/records.js";
import { restartOrder } from "../../harness/dao.js";
import { operatorKey } from "../../harness/deploy.js";

describe("listReports", () => {
  const dao = useChangingDao(7);

  it("lists aggregated reports one by one, and watchers of directives are notified", async () => {
    const together = createAggregateSender(dao);
    const directiveId = await issue(dao, { order: restartOrder, delay: 5 });
    const outcome: ContentId = subjectHash("outcome");
    const ready = await together.report(directiveId, 1, NO_CONTENT, [4, 0, 2]);
    await dao.client(1).reportDirective({ directiveId, report: "ready" });
    await dao.witan.increaseTime(5);
    await dao.client(5).reportDirective({ directiveId, report: "failed", outcome });
    const done = await together.report(directiveId, 2, outcome, [0, 1, 2, 3]);
    expect(await dao.client().getDirective({ directiveId })).toMatchObject({ status: "Done", outcome });

    const expected = [
      {
        node: accountOf(dao, 0),
        report: "ready",
        outcome: null,
        transactionHash: ready.hash,
        blockNumber: ready.blockNumber,
      },
      { node: accountOf(dao, 2), report: "ready", outcome: null, transactionHash: ready.hash },
      { node: accountOf(dao, 4), report: "ready", outcome: null, transactionHash: ready.hash },
      { node: accountOf(dao, 1), report: "ready", outcome: null },
      { node: accountOf(dao, 5), report: "failed", outcome },
      ...[0, 1, 2, 3].map((index) => ({
        node: accountOf(dao, index),
        report: "done",
        outcome,
        transactionHash: done.hash,
      })),
    ];
    expect(await dao.client(3).listReports({ directiveId })).toMatchObject(expected);
    await ban(dao, 2);
    await rotate(dao, 4, "rotated 4");
    expect(await dao.client(3).listReports({ directiveId })).toMatchObject(expected);

    const stop = new AbortController();
    const changes = dao.client(3).watchDirectives({ signal: stop.signal });
    const seen = [];
    while (seen.length < 6) seen.push((await changes.next()).value);
    expect(seen.map((change) => [change?.change, change?.event.name])).toEqual([
      ["issued", "DirectiveIssued"],
      ["reported", "ReportsCounted"],
      ["reported", "DirectiveReported"],
      ["reported", "DirectiveReported"],
      ["reported", "ReportsCounted"],
      ["enacted", "DirectiveEnacted"],
    ]);
    stop.abort();
  });

  it("gives a report that an operator made by hand as its agent's", async () => {
    const agent = operatorKey(400).address as Address;
    await rotate(dao, 6, "another agent 6", agent);
    const directiveId = await issue(dao, { order: restartOrder, delay: 5 });
    await dao.client(6).reportDirective({ directiveId, report: "ready" });
    expect(await dao.client().listReports({ directiveId })).toMatchObject([{ node: agent, report: "ready" }]);
  });
});
