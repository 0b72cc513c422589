import { beforeEach, describe, expect, it } from "vitest";
import { aggregate, type BallotsOfNodes, ballotContextOf, signersOf } from "../../../harness/contracts/ballots.js";
import { contracts, restart, useFreshGovernance, useGovernance } from "../../../harness/contracts/currentGovernance.js";
import {
  DEFAULT_TRACKS,
  deployGovernance,
  ethers,
  networkHelpers,
  rules,
  Track,
  timelockSigner,
} from "../../../harness/contracts/deployGovernance.js";
import {
  argumentsOf,
  decide,
  ENOUGH,
  eventsOf,
  expectNoProposal,
  expectRefused,
  ISSUED,
  stateBit,
} from "../../../harness/contracts/fastLane.js";
import {
  directiveOf,
  flagCall,
  GovernanceHelper,
  issueCall,
  Kind,
  State,
  Support,
} from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";

beforeEach(useFreshGovernance);

describe("The fast lane", () => {
  it("opens, counts and issues in one transaction", async () => {
    const { governor, directives, operators } = contracts;
    const proposal = await restart();
    const receipt = await decide(proposal, { ...ENOUGH, against: [4] });
    const now = BigInt(await networkHelpers.time.latest());

    expect(eventsOf(receipt)).toEqual([
      "ProposalCreated",
      "ProposalOpened",
      "BallotsCounted",
      "CallScheduled",
      "CallSalt",
      "ProposalQueued",
      "DirectiveIssued",
      "CallExecuted",
      "ProposalExecuted",
    ]);
    expect(await proposal.state()).toBe(State.executed);
    expect(await proposal.votes()).toEqual({ for: 4n, against: 1n, abstain: 0n });
    expect(await governor.proposalProposer(proposal.id)).toBe(operators[0]?.address);
    expect(await governor.hasVoted(proposal.id, operators[4] as never)).toBe(true);

    const directiveId = await directives.directiveId(directiveOf({ kind: Kind.Restart }));
    const issued = await directives.issued(directiveId);
    expect([issued.kind, issued.issuedAt, issued.committeeSize]).toEqual([BigInt(Kind.Restart), now, 5n]);
    expect(await directives.status(directiveId)).toBe(ISSUED);
    const [event] = await directives.queryFilter(directives.filters.DirectiveIssued);
    expect(event?.args.directiveId).toBe(directiveId);
    expect(event?.transactionHash).toBe(receipt.hash);
  });

  it("freezes what a slow proposal would, and votes from the second before", async () => {
    const { governor } = contracts;
    const [slow, fast] = [await restart({ salt: ethers.id("slow") }), await restart()];
    await slow.propose(contracts.operators[0]);
    const openedAt = BigInt(await networkHelpers.time.latest());
    expect(await governor.proposalSnapshot(slow.id)).toBe(openedAt);
    expect(await governor.proposalDeadline(slow.id)).toBe(openedAt + 3600n);

    await decide(fast);
    const decidedAt = BigInt(await networkHelpers.time.latest());
    expect(await governor.proposalSnapshot(fast.id)).toBe(decidedAt - 1n);
    expect(await governor.proposalDeadline(fast.id)).toBe(decidedAt + 3600n);
    expect(await governor.proposalRules(fast.id)).toEqual(await governor.proposalRules(slow.id));
    expect((await governor.proposalRules(fast.id)).track).toBe(Track.emergency);
  });

  it("takes abstentions for the quorum and no ballot after the decision", async () => {
    const proposal = await restart();
    await decide(proposal, { ...ENOUGH, abstain: [4] });
    expect(await proposal.votes()).toEqual({ for: 4n, against: 0n, abstain: 1n });
    const other = await restart({ salt: ethers.id("other") });
    await decide(other);
    expect((await revertOf(other.vote(contracts.operators[4], Support.against)))?.slice(0, 3)).toEqual([
      "GovernorUnexpectedProposalState",
      other.id,
      State.executed,
    ]);
  });

  it("lets any member open, and needs no vote of it", async () => {
    const proposal = await restart();
    await decide(proposal, { for: [0, 1, 2, 3] }, contracts.operators[4]);
    expect(await contracts.governor.hasVoted(proposal.id, contracts.operators[4] as never)).toBe(false);
    expect(await proposal.state()).toBe(State.executed);
  });

  it("queues where there is a timelock, which has the last word", async () => {
    const track = rules({ fastPath: 6700n, timelock: 600n });
    useGovernance(await deployGovernance({ tracks: [track, track, track, track] }));
    const proposal = await new GovernanceHelper(contracts.governor, [await flagCall(contracts)]).withId();
    const receipt = await decide(proposal);
    const now = BigInt(await networkHelpers.time.latest());

    expect(eventsOf(receipt)).not.toContain("ProposalExecuted");
    expect(await proposal.state()).toBe(State.queued);
    expect(await contracts.governor.proposalEta(proposal.id)).toBe(now + 600n);
    const flag = ethers.encodeBytes32String("learning.enabled");
    expect(await contracts.parameters.flag(flag)).toBe(false);
    await expect(proposal.execute()).rejects.toThrow("TimelockUnexpectedOperationState");
    await proposal.waitForEta();
    await proposal.execute();
    expect(await contracts.parameters.flag(flag)).toBe(true);
  });

  it("queues while the timelock's own minimum is longer", async () => {
    const { timelock } = contracts;
    await timelock.connect(await timelockSigner(contracts)).updateDelay(100);
    const proposal = await restart();
    await decide(proposal);
    expect(await proposal.state()).toBe(State.queued);
    await proposal.waitForEta();
    await proposal.execute();
    expect(await proposal.state()).toBe(State.executed);
  });

  it("can be stopped by the guardian while it is in the queue", async () => {
    useGovernance(
      await deployGovernance({ tracks: [1, 2, 3, 4].map(() => rules({ fastPath: 6700n, timelock: 600n })) }),
    );
    const proposal = await restart();
    await decide(proposal);
    await proposal.cancel(contracts.guardian);
    expect(await proposal.state()).toBe(State.canceled);
    await proposal.waitForEta();
    expect((await revertOf(proposal.execute()))?.[0]).toBe("GovernorUnexpectedProposalState");
  });
});

describe("The fast lane refuses", () => {
  it("accounts that are no members", async () => {
    const { stranger } = contracts;
    const refusal = ["GovernorInsufficientProposerVotes", stranger.address, 0n, 1n];
    await expectRefused(await restart(), refusal, ENOUGH, stranger);
  });

  it.each<[string, BallotsOfNodes]>([
    ["one short", { for: [0, 1, 2] }],
    ["one short with all others against", { for: [0, 1, 2], against: [3, 4] }],
    ["one short with abstentions", { for: [0, 1, 2], abstain: [3, 4] }],
    ["nobody for it", { against: [0, 1, 2, 3, 4] }],
    ["abstentions alone", { abstain: [0, 1, 2, 3, 4] }],
  ])("what is below the fast path: %s", async (_what, ballots) => {
    const proposal = await restart();
    await expectRefused(
      proposal,
      ["GovernorUnexpectedProposalState", proposal.id, State.active, stateBit(State.succeeded)],
      ballots,
    );
    // Opened slowly, the same ballots count for what they are.
    await proposal.open(contracts.operators[0]);
    const signature = aggregate(await ballotContextOf(contracts.governor, proposal.id), ballots);
    await contracts.governor.castVotesByAggregate(proposal.id, signersOf(ballots), signature);
    expect(await proposal.state()).toBe(State.active);
  });

  it("what is on the fast path but short of quorum or approval", async () => {
    const track = { fastPath: 5000n, approval: 8000n, quorum: 8000n };
    useGovernance(await deployGovernance({ tracks: [1, 2, 3, 4].map(() => rules(track)) }));
    const proposal = await restart();
    const refusal = ["GovernorUnexpectedProposalState", proposal.id, State.active, stateBit(State.succeeded)];
    await expectRefused(proposal, refusal, { for: [0, 1, 2] });
    await expectRefused(proposal, refusal, { for: [0, 1, 2], against: [3], abstain: [4] });
    await expectRefused(proposal, refusal, { for: [0, 1, 2], against: [3, 4] });
    await decide(proposal, { for: [0, 1, 2], abstain: [3] });
    expect(await proposal.state()).toBe(State.executed);
  });

  it("tracks that ballots wait on, and tracks without a fast path", async () => {
    const { governor, nodes, parameters } = contracts;
    const setTrack = governor.interface.encodeFunctionData("setTrack", [Track.emergency, DEFAULT_TRACKS[0]]);
    for (const [call, track] of [
      [await flagCall(contracts), Track.operations],
      [await issueCall(contracts, { kind: Kind.Deploy }), Track.operations],
      [
        { target: await nodes.getAddress(), data: nodes.interface.encodeFunctionData("remove", [[1]]) },
        Track.membership,
      ],
      [await issueCall(contracts, { kind: Kind.Ban }), Track.membership],
      [{ target: await governor.getAddress(), data: setTrack }, Track.constitution],
      [{ target: await parameters.getAddress(), data: "0x" }, Track.constitution],
    ] as const) {
      await expectRefused(await new GovernanceHelper(governor, [call]).withId(), ["GovernorNoFastLane", track]);
    }
    // A restart together with a slower call is as slow.
    const together = [await issueCall(contracts, { kind: Kind.Restart }), await flagCall(contracts)];
    await expectRefused(await new GovernanceHelper(governor, together).withId(), [
      "GovernorNoFastLane",
      Track.operations,
    ]);

    const [delayed, slow] = [rules({ votingDelay: 1n, fastPath: 6700n }), rules({ votingDelay: 0n })];
    useGovernance(await deployGovernance({ tracks: [slow, delayed, delayed, delayed] }));
    await expectRefused(await restart(), ["GovernorNoFastLane", Track.emergency]);
    const flag = await new GovernanceHelper(contracts.governor, [await flagCall(contracts)]).withId();
    await expectRefused(flag, ["GovernorNoFastLane", Track.operations]);
  });

  it("evidence out of order, twice the same or too much", async () => {
    const ids = Array.from({ length: 17 }, (_, i) => ethers.toBeHex(i + 1, 32));
    const [first = "", second = ""] = ids;
    for (const [evidence, position] of [
      [[second, first], 1n],
      [[first, first], 1n],
      [[ethers.ZeroHash, first], 0n],
      [ids, 16n],
    ] as const) {
      await expectRefused(await restart({ evidence: [...evidence] }), ["GovernorInvalidEvidence", position]);
    }
    const proposal = await restart({ evidence: ids.slice(0, 16) });
    await decide(proposal);
    expect(await proposal.state()).toBe(State.executed);
  });

  it("a member with too many proposals open, until one has closed; decisions do not count among them", async () => {
    const [proposer, other] = contracts.operators;
    for (const salt of ["a", "b", "c", "d", "e"]) await decide(await restart({ salt: ethers.id(salt) }));
    const open: GovernanceHelper[] = [];
    for (let i = 0; i < 4; i++) {
      const proposal = await restart({ salt: ethers.id(`open ${i}`) });
      await proposal.propose(proposer);
      open.push(proposal);
    }
    const proposal = await restart();
    await expectRefused(proposal, ["GovernorTooManyOpenProposals", proposer?.address, Track.emergency, 4n]);
    await open[2]?.cancel(contracts.guardian);
    await decide(proposal);
    const another = await restart({ salt: ethers.id("another") });
    await decide(another, ENOUGH, other);
    expect([await proposal.state(), await another.state()]).toEqual([State.executed, State.executed]);
  });

  it("the same twice, and what is open or canceled already", async () => {
    const proposal = await restart();
    await decide(proposal);
    const refusal = (of: GovernanceHelper, state: bigint) => [
      "GovernorUnexpectedProposalState",
      of.id,
      state,
      ethers.ZeroHash,
    ];
    expect(await revertOf(decide(proposal))).toEqual(refusal(proposal, State.executed));
    expect(await revertOf(decide(proposal, ENOUGH, contracts.operators[1]))).toEqual(refusal(proposal, State.executed));

    const slow = await restart({ salt: ethers.id("slow") });
    await slow.propose(contracts.operators[0]);
    expect(await revertOf(decide(slow, ENOUGH, contracts.operators[1]))).toEqual(refusal(slow, State.active));
    await slow.cancel(contracts.guardian);
    expect(await revertOf(decide(slow))).toEqual(refusal(slow, State.canceled));
    expect(await slow.votes()).toEqual({ for: 0n, against: 0n, abstain: 0n });
  });

  it("a directive that was issued already, under another reason", async () => {
    const proposal = await restart();
    await decide(proposal);
    const again = new GovernanceHelper(
      contracts.governor,
      [await issueCall(contracts, { kind: Kind.Restart })],
      "once more",
    );
    const directiveId = await contracts.directives.directiveId(directiveOf({ kind: Kind.Restart }));
    await again.withId();
    await expectRefused(again, ["DirectiveRegistryAlreadyIssued", directiveId]);
  });

  it("all of it when a call fails", async () => {
    await expectRefused(await restart({ window: 0 }), ["DirectiveRegistryInvalidDirective"]);
    const { directives } = contracts;
    const good = directiveOf({ kind: Kind.Restart });
    expect(await directives.status(await directives.directiveId(good))).toBe(0n);
    const proposal = await restart();
    await decide(proposal);
    expect(await proposal.state()).toBe(State.executed);
  });

  it("signatures that are not what is claimed", async () => {
    const [proposal, other] = [await restart(), await restart({ salt: ethers.id("other") })];
    const by = contracts.governor.connect(contracts.operators[0]);
    const invalid = ["NodeRegistryInvalidSignature"];
    const attempt = async (signers: BallotsOfNodes, signed: BallotsOfNodes) =>
      by.decide(...(await argumentsOf(proposal, signers, signed)));
    expect(await revertOf(attempt({ for: [0, 1, 2, 3, 4] }, ENOUGH))).toEqual(invalid);
    expect(await revertOf(attempt({ for: [0, 1, 2, 4] }, ENOUGH))).toEqual(invalid);
    expect(await revertOf(attempt(ENOUGH, { against: [0, 1, 2, 3] }))).toEqual(invalid);
    const [targets, values, calldatas, why, signers] = await argumentsOf(proposal, ENOUGH);
    const [, , , , , foreign] = await argumentsOf(other, ENOUGH);
    expect(await revertOf(by.decide(targets, values, calldatas, why, signers, foreign))).toEqual(invalid);
    // The same calls for another reason are another proposal.
    const [, , , , , own] = await argumentsOf(proposal, ENOUGH);
    expect(await revertOf(by.decide(targets, values, calldatas, "another", signers, own))).toEqual(invalid);
    await expectNoProposal(proposal);
    await expectNoProposal(other);
  });

  it("calls and values that do not match", async () => {
    const proposal = await restart();
    const [targets, , calldatas, why, signers, signature] = await argumentsOf(proposal, ENOUGH);
    const by = contracts.governor.connect(contracts.operators[0]);
    expect(await revertOf(by.decide(targets, [], calldatas, why, signers, signature))).toEqual([
      "GovernorInvalidProposalLength",
      1n,
      1n,
      0n,
    ]);
    expect(await revertOf(by.decide([], [], [], why, signers, signature))).toEqual([
      "GovernorInvalidProposalLength",
      0n,
      0n,
      0n,
    ]);
    await expectNoProposal(proposal);
  });
});
