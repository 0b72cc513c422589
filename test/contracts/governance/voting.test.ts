import { beforeEach, describe, expect, it } from "vitest";
import {
  deployGovernance,
  ethers,
  freshGovernance,
  type GovernanceContracts,
  networkHelpers,
  rules,
} from "../../harness/contracts/deployGovernance.js";
import {
  flagCall,
  GovernanceHelper,
  increaseTimeTo,
  revertOf,
  State,
  Support,
} from "../../harness/contracts/governanceHelper.js";
import { signBallot } from "../../harness/contracts/signBallot.js";

let contracts: GovernanceContracts;
beforeEach(async () => {
  contracts = await freshGovernance();
});

describe("A ballot", () => {
  it("counts one vote a node and says who voted", async () => {
    const { governor, operators } = contracts;
    const proposal = new GovernanceHelper(governor, [await flagCall(contracts)]);
    await proposal.propose(operators[0]);
    await proposal.waitForStart();
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
    const proposal = new GovernanceHelper(governor, [await flagCall(contracts)]);
    await proposal.propose(operators[0]);
    await proposal.waitForStart();
    await expect(
      eventsOf(governor.connect(operators[0]).castVoteWithReason(proposal.id, Support.against, "evidence is missing")),
    ).resolves.toEqual([["VoteCast", operators[0]?.address, proposal.id, 0n, 1n, "evidence is missing"]]);
    await expect(
      eventsOf(governor.connect(operators[1]).castVoteWithReasonAndParams(proposal.id, Support.for, "why", "0x01")),
    ).resolves.toEqual([["VoteCastWithParams", operators[1]?.address, proposal.id, 1n, 1n, "why", "0x01"]]);
  });

  it("takes a signed ballot from anybody, without a nonce", async () => {
    const { governor, operators, stranger } = contracts;
    const proposal = new GovernanceHelper(governor, [await flagCall(contracts)]);
    await proposal.propose(operators[0]);
    await proposal.waitForStart();
    const voter = operators[2];
    if (!voter) throw new Error("no voter");
    const signature = await signBallot(governor, proposal.id, voter, Support.for);

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

describe("The outcome", () => {
  const cases: [string, string, keyof typeof State][] = [
    ["nobody votes", "", "defeated"],
    ["one of five is short of the quorum", "F", "defeated"],
    ["two of five make the quorum of a third", "FF", "succeeded"],
    ["abstentions count for the quorum", "FN", "succeeded"],
    ["abstentions alone decide nothing", "NNN", "defeated"],
    ["a tie is no majority", "FA", "defeated"],
    ["Against does not count for the quorum", "FA", "defeated"],
    ["two thirds of For and Against", "FFA", "succeeded"],
    ["the majority is against", "FAA", "defeated"],
  ];
  it.each(cases)("when %s (%s), is %s", async (_what, ballots, state) => {
    const proposal = new GovernanceHelper(contracts.governor, [await flagCall(contracts)]);
    await proposal.propose(contracts.operators[0]);
    await proposal.waitForStart();
    for (const [i, ballot] of [...ballots].entries())
      await proposal.vote(contracts.operators[i], "AFN".indexOf(ballot));
    expect(await proposal.state()).toBe(State.active);
    await proposal.waitForEnd();
    expect(await proposal.state()).toBe(State[state]);
  });

  it("ends at once when the fast path is reached, and takes no ballot after it", async () => {
    const { governor, operators } = contracts;
    const proposal = new GovernanceHelper(governor, [await flagCall(contracts)]);
    await proposal.propose(operators[0]);
    await proposal.waitForStart();
    await proposal.voteAll(operators.slice(0, 3));
    expect(await proposal.state()).toBe(State.active);
    await proposal.vote(operators[3], Support.for);
    expect(await proposal.state()).toBe(State.succeeded);
    expect((await revertOf(proposal.vote(operators[4], Support.against)))?.[0]).toBe("GovernorUnexpectedProposalState");
    await proposal.queue();
    expect(await proposal.state()).toBe(State.queued);
  });

  it("waits for quorum and approval on the fast path, too", async () => {
    // More quorum than fast path, so that For alone is not enough.
    contracts = await deployGovernance({ tracks: [1, 2, 3, 4].map(() => rules({ quorum: 8000n, fastPath: 5000n })) });
    const proposal = new GovernanceHelper(contracts.governor, [await flagCall(contracts)]);
    await proposal.propose(contracts.operators[0]);
    await proposal.waitForStart();
    await proposal.voteAll(contracts.operators.slice(0, 3));
    expect(await proposal.state()).toBe(State.active);
    await proposal.vote(contracts.operators[3], Support.abstain);
    expect(await proposal.state()).toBe(State.succeeded);
  });

  it("expires a decision that nobody carries out, queued or not", async () => {
    const { governor, operators } = contracts;
    const proposals = [
      new GovernanceHelper(governor, [await flagCall(contracts, "a")]),
      new GovernanceHelper(governor, [await flagCall(contracts, "b")]),
    ];
    for (const proposal of proposals) await proposal.propose(operators[0]);
    for (const proposal of proposals) {
      await proposal.waitForStart();
      await proposal.voteAll(operators.slice(0, 4));
    }
    const [left, queued] = proposals as [GovernanceHelper, GovernanceHelper];
    await queued.queue();
    const expiry = await governor.proposalExpiry(left.id);
    expect(expiry).toBe((await governor.proposalDeadline(left.id)) + 600n + 7n * 86_400n);

    await increaseTimeTo(expiry);
    expect([await left.state(), await queued.state()]).toEqual([State.succeeded, State.queued]);
    await queued.waitForExpiry();
    expect([await left.state(), await queued.state()]).toEqual([State.expired, State.expired]);
    expect((await revertOf(left.queue()))?.[0]).toBe("GovernorUnexpectedProposalState");
    expect((await revertOf(queued.execute()))?.[0]).toBe("GovernorUnexpectedProposalState");
    expect((await revertOf(left.cancel(contracts.guardian)))?.[0]).toBe("GovernorUnexpectedProposalState");
  });

  it("tells standard tooling what it asks for", async () => {
    const { governor, operators, stranger, guardian, guardianExpiry, timelock } = contracts;
    const now = BigInt(await networkHelpers.time.latest());
    expect(await governor.name()).toBe("NodeGovernor");
    expect(await governor.CLOCK_MODE()).toBe("mode=timestamp");
    expect(await governor.clock()).toBe(now);
    expect(await governor.COUNTING_MODE()).toBe("support=bravo&quorum=for,abstain");
    expect(await governor.votingDelay()).toBe(60n);
    expect(await governor.votingPeriod()).toBe(86_400n);
    expect(await governor.proposalThreshold()).toBe(1n);
    expect(await governor.quorum(now)).toBe(2n);
    expect(await governor.quorum(1)).toBe(0n);
    expect(await governor.getVotes(operators[0] as never, now)).toBe(1n);
    expect(await governor.getVotes(operators[0] as never, 1)).toBe(0n);
    expect(await governor.getVotesWithParams(stranger, now, "0x")).toBe(0n);
    expect(await governor.timelock()).toBe(await timelock.getAddress());
    expect(await governor.nodes()).toBe(await contracts.nodes.getAddress());
    expect(await governor.guardian()).toBe(guardian.address);
    expect(await governor.guardianExpiry()).toBe(guardianExpiry);
    expect(await governor.proposalQuorum(12)).toBe(0n);
    expect(await governor.proposalNeedsQueuing(12)).toBe(true);
  });
});

async function eventsOf(sent: Promise<{ wait(): Promise<{ logs: readonly unknown[] } | null> }>): Promise<unknown[][]> {
  const receipt = await (await sent).wait();
  return (receipt?.logs ?? []).map((log) => {
    const event = contracts.governor.interface.parseLog(log as { topics: string[]; data: string });
    return [event?.name, ...(event?.args ?? [])];
  });
}
