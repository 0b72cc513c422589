import { beforeEach, describe, expect, it } from "vitest";
import {
  contracts,
  governorEventsOf,
  openVote,
  useFreshGovernance,
  voterOf,
} from "../../../harness/contracts/currentGovernance.js";
import { ethers } from "../../../harness/contracts/deployGovernance.js";
import { flagCall, GovernanceHelper, State, Support } from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";
import { signBallot } from "../../../harness/contracts/signBallot.js";

beforeEach(useFreshGovernance);

describe("A ballot", () => {
  it("counts one vote a node, and has the voters", async () => {
    const { governor, operators } = contracts;
    const proposal = await openVote();
    const receipt = await proposal.vote(operators[0], Support.for);
    await proposal.vote(operators[1], Support.against);
    await proposal.vote(operators[4], Support.abstain);

    const cast = governor.interface.parseLog(receipt.logs[0] ?? { topics: [], data: "0x" });
    expect([cast?.name, ...(cast?.args ?? [])]).toEqual(["VoteCast", operators[0]?.address, proposal.id, 1n, 1n, ""]);
    expect(await proposal.votes()).toEqual({ for: 1n, against: 1n, abstain: 1n });
    expect(await Promise.all(operators.map((operator) => governor.hasVoted(proposal.id, operator)))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(await Promise.all([0, 1, 2, 3, 4].map((i) => governor.hasIndexVoted(proposal.id, i)))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(await governor.hasVoted(proposal.id, contracts.stranger)).toBe(false);
    expect(await governor.hasVoted(12n, operators[0] as never)).toBe(false);
  });

  it("keeps reasons and parameters in the events", async () => {
    const { governor, operators } = contracts;
    const proposal = await openVote();
    await expect(
      governorEventsOf(
        governor.connect(operators[0]).castVoteWithReason(proposal.id, Support.against, "evidence is missing"),
      ),
    ).resolves.toEqual([["VoteCast", operators[0]?.address, proposal.id, 0n, 1n, "evidence is missing"]]);
    await expect(
      governorEventsOf(
        governor.connect(operators[1]).castVoteWithReasonAndParams(proposal.id, Support.for, "why", "0x01"),
      ),
    ).resolves.toEqual([["VoteCastWithParams", operators[1]?.address, proposal.id, 1n, 1n, "why", "0x01"]]);
  });

  it("takes a signed ballot from anybody, without a nonce", async () => {
    const { governor, stranger } = contracts;
    const proposal = await openVote();
    const voter = voterOf(2);
    const signature = await signBallot(governor, proposal.id, voter, Support.for, 2);

    expect(await revertOf(governor.castVoteBySig(proposal.id, Support.against, voter, signature))).toEqual([
      "GovernorInvalidSignature",
      voter.address,
    ]);
    await governor.connect(stranger).castVoteBySig(proposal.id, Support.for, voter, signature);
    expect(await governor.hasVoted(proposal.id, voter)).toBe(true);
    expect(await governor.nonces(voter)).toBe(0n);
    expect(await revertOf(governor.castVoteBySig(proposal.id, Support.for, voter, signature))).toEqual([
      "GovernorAlreadyCastVote",
      voter.address,
    ]);
  });

  it("refuses strangers, and nobody before the start or after the end", async () => {
    const { governor, operators, stranger } = contracts;
    const proposal = new GovernanceHelper(governor, [await flagCall(contracts)]);
    await proposal.propose(operators[0]);
    const active = ethers.toBeHex(2, 32);
    expect(await revertOf(proposal.vote(operators[0], Support.for))).toEqual([
      "GovernorUnexpectedProposalState",
      proposal.id,
      State.pending,
      active,
    ]);
    await proposal.waitForStart();
    expect(await revertOf(proposal.vote(stranger, Support.for))).toEqual(["GovernorNotMember", stranger.address, 1n]);
    expect(await revertOf(proposal.vote(operators[0], 3))).toEqual(["GovernorInvalidVoteType"]);
    await proposal.waitForEnd();
    expect(await revertOf(proposal.vote(operators[0], Support.for))).toEqual([
      "GovernorUnexpectedProposalState",
      proposal.id,
      State.defeated,
      active,
    ]);
    expect(await revertOf(governor.connect(operators[0]).castVote(12n, Support.for))).toEqual([
      "GovernorNonexistentProposal",
      12n,
    ]);
  });
});
