import { describe, expect, it } from "vitest";
import { useGuardedDao } from "../../harness/client/daos.js";
import { restartOf } from "../../harness/client/directives.js";
import type { TestDao } from "../../harness/dao.js";
import { proposalOf } from "../../harness/orders.js";

const dao = useGuardedDao();

describe("listProposals", () => {
  it("lists newest first, by state, proposer and block", async () => {
    const first = await dao.client(0).openProposal(proposalOf(dao, restartOf("web/1")));
    const second = await dao.client(1).openProposal(proposalOf(dao, restartOf("web/2")));
    await dao.pass(first.proposalId);
    const ids = async (parameters: Parameters<TestDao["clients"][number]["listProposals"]>[0]) =>
      (await dao.client(3).listProposals(parameters)).map((proposal) => proposal.id);
    expect(await ids({})).toEqual([second.proposalId, first.proposalId]);
    expect(await ids({ states: ["Active"] })).toEqual([second.proposalId]);
    expect(await ids({ proposer: dao.client(0).account })).toEqual([first.proposalId]);
    expect(await ids({ limit: 1 })).toEqual([second.proposalId]);
    const { blockNumber } = await dao.client().getProposal(second);
    expect(await ids({ fromBlock: blockNumber })).toEqual([second.proposalId]);
  });
});
