import { describe, expect, it } from "vitest";
import { ballotOf } from "../../harness/client/ballots.js";
import { restartOf } from "../../harness/client/directives.js";
import { useTestDao } from "../../harness/dao.js";

const dao = useTestDao();

describe("a proposal that is decided at its opening", () => {
  it("is opened, voted on and issued by one transaction, its payload stored before", async () => {
    const client = dao.client(2);
    const order = restartOf("fast");
    const proposal = client.buildProposal({ order });
    const { proposalId, directiveId } = proposal;
    const ballots = await Promise.all([0, 1, 2, 3].map((index) => ballotOf(dao, index, proposalId, "for")));
    const { logs } = await client.decideProposal({ proposal, ballots });
    expect(logs.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["ProposalCreated", "BallotsCounted", "DirectiveIssued"]),
    );
    expect(await client.getProposal({ proposalId, withPayload: true })).toMatchObject({
      state: "Executed",
      votes: { for: 4 },
      payload: { order },
    });
    expect(await client.getDirective({ directiveId })).toMatchObject({ status: "Issued" });
  });

  it("is nothing to too few ballots, to operators' signatures, or to tracks whose votes take their time", async () => {
    const client = dao.client(2);
    const proposal = client.buildProposal({ order: restartOf("slow") });
    const ballots = (by: "bls" | "operator", count: number, id = proposal.proposalId) =>
      Promise.all(Array.from({ length: count }, (_, index) => ballotOf(dao, index, id, "for", by)));
    await expect(client.decideProposal({ proposal, ballots: await ballots("bls", 3) })).rejects.toMatchObject({
      errorName: "GovernorUnexpectedProposalState",
    });
    await expect(client.decideProposal({ proposal, ballots: await ballots("operator", 4) })).rejects.toThrow(
      "by BLS keys",
    );
    const scale = client.buildProposal({ order: { kind: "Scale", workload: "web", replicas: 6 } });
    await expect(
      client.decideProposal({ proposal: scale, ballots: await ballots("bls", 4, scale.proposalId) }),
    ).rejects.toMatchObject({ errorName: "GovernorNoFastLane" });
  });
});
