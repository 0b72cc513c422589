import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NO_CONTENT } from "../../../src/ports/chain/index.js";
import { type Address, type ContentId, type Hex, subjectHash } from "../../../src/records/index.js";
import { createAggregateSender } from "../../harness/aggregates.js";
import { createTestDao, restartOrder, type TestDao } from "../../harness/dao.js";
import { admissionOf, blsKey, shortTracks } from "../../harness/deploy.js";

const tracks = { ...shortTracks, membership: { ...shortTracks.membership, votingPeriod: 30 } };

describe("listReports", () => {
  let dao: TestDao;
  let restore: () => Promise<void>;
  beforeAll(async () => {
    dao = await createTestDao({ nodes: 7, tracks });
  });
  afterAll(() => dao.close());
  beforeEach(async () => {
    restore = await dao.witan.snapshot();
  });
  afterEach(() => restore());

  const account = (index: number) => dao.client(index).account as Address;
  const rotatedKey = (index: number) => blsKey(`rotated ${index}`);

  async function ban(index: number): Promise<void> {
    const { proposalId } = await dao
      .client()
      .openProposal({ order: { kind: "Ban", indices: [index], reason: "absent" } });
    await dao.carryOut(proposalId);
  }

  /** Gives the node of client `index` another key. */
  async function rotate(index: number): Promise<void> {
    const operator = dao.witan.operators[index];
    if (operator === undefined) throw new Error(`there is no node ${index}`);
    const rotation = admissionOf(operator, rotatedKey(index)) as { key: Hex; possession: Hex };
    const { proposalId } = await dao.client().openProposal({ order: { kind: "RotateKey", index }, rotation });
    await dao.carryOut(proposalId);
  }

  it("lists aggregated reports one by one, and watchers of directives are notified", async () => {
    const together = createAggregateSender(dao);
    const { proposalId } = await dao.client().openProposal({ order: restartOrder, delay: 5 });
    const directiveId = await dao.carryOut(proposalId);
    const outcome: ContentId = subjectHash("outcome");
    const ready = await together.report(directiveId, 1, NO_CONTENT, [4, 0, 2]);
    await dao.client(1).reportDirective({ directiveId, report: "ready" });
    await dao.witan.increaseTime(5);
    await dao.client(5).reportDirective({ directiveId, report: "failed", outcome });
    const done = await together.report(directiveId, 2, outcome, [0, 1, 2, 3]);
    expect(await dao.client().getDirective({ directiveId })).toMatchObject({ status: "Done", outcome });

    const expected = [
      { node: account(0), report: "ready", outcome: null, transactionHash: ready.hash, blockNumber: ready.blockNumber },
      { node: account(2), report: "ready", outcome: null, transactionHash: ready.hash },
      { node: account(4), report: "ready", outcome: null, transactionHash: ready.hash },
      { node: account(1), report: "ready", outcome: null },
      { node: account(5), report: "failed", outcome },
      ...[0, 1, 2, 3].map((index) => ({ node: account(index), report: "done", outcome, transactionHash: done.hash })),
    ];
    expect(await dao.client(3).listReports({ directiveId })).toMatchObject(expected);
    await ban(2);
    await rotate(4);
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
});
