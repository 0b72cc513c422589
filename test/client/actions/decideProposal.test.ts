import { describe, expect, it } from "vitest";
import { WINDOW_SECONDS } from "../../../src/records/index.js";
import { ballotOf } from "../../harness/client/ballots.js";
import { restartOf } from "../../harness/client/directives.js";
import { useTestDao } from "../../harness/dao.js";

const dao = useTestDao();

describe("a proposal that is decided at its opening", () => {
  it("is opened, voted on and issued by one transaction, its payload stored before", async () => {
    const client = dao.client(2);
    const order = restartOf("fast");
    const proposal = await client.prepareProposal({ order });
    const { proposalId, directiveId } = proposal;
    const ballots = await Promise.all([0, 1, 2].map((index) => ballotOf(dao, index, proposalId, "for")));
    const { logs } = await client.decideProposal({ proposal, ballots });
    expect(logs.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["ProposalCreated", "BallotsCounted", "DirectiveIssued"]),
    );
    expect(await client.getProposal({ proposalId, withPayload: true })).toMatchObject({
      state: "Executed",
      votes: { for: 3 },
      payload: { order },
    });
    expect(await client.getDirective({ directiveId })).toMatchObject({ status: "Issued" });
  });

  it("is decided all the same where somebody has opened it, or voted on it, before", async () => {
    const order = restartOf("joined");
    const { proposalId } = await dao.client(4).openProposal({ order });
    const client = dao.client(2);
    const proposal = await client.prepareProposal({ order });
    expect(proposal.proposalId).toBe(proposalId);
    await dao.witan.increaseTime(1);
    await dao.client(0).castVote({ proposalId, support: "for" });
    const ballots = await Promise.all([0, 1, 2].map((index) => ballotOf(dao, index, proposalId, "for")));
    await client.decideProposal({ proposal, ballots });
    expect(await client.getProposal({ proposalId })).toMatchObject({ state: "Executed", votes: { for: 3 } });
  });

  it("is not opened in a window that has passed: ballots on it are worthless by then", async () => {
    const client = dao.client(2);
    const proposal = await client.prepareProposal({ order: restartOf("old") });
    const ballots = await Promise.all([0, 1, 2].map((index) => ballotOf(dao, index, proposal.proposalId, "for")));
    await dao.witan.increaseTime(2 * WINDOW_SECONDS);
    await expect(client.decideProposal({ proposal, ballots })).rejects.toMatchObject({
      errorName: "GovernorWindowPassed",
    });
  });

  it("is opened by ballots that do not decide it, and they count", async () => {
    const client = dao.client(2);
    const proposal = await client.prepareProposal({ order: restartOf("few") });
    const { proposalId } = proposal;
    const ballots = await Promise.all([0, 1].map((index) => ballotOf(dao, index, proposalId, "for")));
    await client.decideProposal({ proposal, ballots });
    expect(await client.getProposal({ proposalId })).toMatchObject({ state: "Active", votes: { for: 2 } });
    await client.decideProposal({ proposal, ballots: [await ballotOf(dao, 2, proposalId, "for")] });
    expect(await client.getProposal({ proposalId })).toMatchObject({ state: "Executed", votes: { for: 3 } });
  });

  it("is nothing to operators' signatures, or to tracks whose votes take their time", async () => {
    const client = dao.client(2);
    const proposal = await client.prepareProposal({ order: restartOf("slow") });
    const ballots = (count: number, id = proposal.proposalId) =>
      Promise.all(Array.from({ length: count }, (_, index) => ballotOf(dao, index, id, "for")));
    const ofOperators = (await ballots(3)).map((ballot) => ({ ...ballot, signature: new Uint8Array(64) }));
    await expect(client.decideProposal({ proposal, ballots: ofOperators })).rejects.toThrow("by BLS keys");
    const scale = await client.prepareProposal({ order: { kind: "Scale", workload: "web", replicas: 6 } });
    await expect(
      client.decideProposal({ proposal: scale, ballots: await ballots(3, scale.proposalId) }),
    ).rejects.toMatchObject({ errorName: "GovernorNoFastLane" });
  });
});
