import { beforeEach, describe, expect, it } from "vitest";
import type { BallotsOfNodes } from "../../../harness/contracts/ballots.js";
import {
  contracts,
  restart,
  useFreshGovernance,
  useGovernance,
  voterOf,
} from "../../../harness/contracts/currentGovernance.js";
import {
  DEFAULT_TRACKS,
  deployGovernance,
  ethers,
  networkHelpers,
  Share,
  Track,
  tracksWith,
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
  flagCall,
  GovernanceHelper,
  issueCall,
  Kind,
  State,
  Support,
} from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";

/** All tracks decide at once, with four of five. */
const QUICK = tracksWith({ approval: Share.twoThirds, fastPath: true });

beforeEach(useFreshGovernance);

/** A vote on a flag, on the operations track, not opened yet. */
async function flag(): Promise<GovernanceHelper> {
  return new GovernanceHelper(contracts.governor, [await flagCall(contracts)]).withId();
}

describe("The fast lane", () => {
  it("opens, counts and issues in one transaction", async () => {
    const { governor, directives, operators } = contracts;
    const proposal = await restart();
    const receipt = await decide(proposal);
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
    expect(await proposal.votes()).toEqual({ for: 4n, against: 0n, abstain: 0n });
    expect(await governor.proposalProposer(proposal.id)).toBe(operators[0]?.address);
    expect(await governor.hasVoted(proposal.id, operators[3] as never)).toBe(true);

    const { directiveId } = proposal;
    const issued = await directives.issued(directiveId);
    expect([issued.kind, issued.issuedAt, issued.committeeSize]).toEqual([BigInt(Kind.Restart), now, 5n]);
    expect(await directives.status(directiveId)).toBe(ISSUED);
    const [event] = await directives.queryFilter(directives.filters.DirectiveIssued);
    expect(event?.args.directiveId).toBe(directiveId);
    expect(event?.transactionHash).toBe(receipt.hash);
  });

  it("freezes what a slow proposal would, and votes from the second before", async () => {
    const { governor } = contracts;
    const [slow, fast] = [await restart({}, 1), await restart()];
    await slow.propose(contracts.operators[0]);
    const openedAt = BigInt(await networkHelpers.time.latest());
    expect(await governor.proposalSnapshot(slow.id)).toBe(openedAt);
    const windowEnd = (openedAt / 300n + 2n) * 300n;
    expect(await governor.proposalDeadline(slow.id)).toBe(windowEnd);

    await decide(fast);
    const decidedAt = BigInt(await networkHelpers.time.latest());
    expect(await governor.proposalSnapshot(fast.id)).toBe(decidedAt - 1n);
    expect(await governor.proposalDeadline(fast.id)).toBe(windowEnd);
    expect(await governor.proposalRules(fast.id)).toEqual(await governor.proposalRules(slow.id));
    expect((await governor.proposalRules(fast.id)).track).toBe(Track.emergency);
  });

  it.each([{ against: [4] }, { abstain: [4] }])(
    "counts who is not For where no fact is claimed: %o",
    async (others) => {
      useGovernance(await deployGovernance({ tracks: QUICK }));
      const proposal = await flag();
      await decide(proposal, { ...ENOUGH, ...others });
      const { against = [], abstain = [] } = others as BallotsOfNodes;
      const [againstVotes, abstainVotes] = [BigInt(against.length), BigInt(abstain.length)];
      expect(await proposal.votes()).toEqual({ for: 4n, against: againstVotes, abstain: abstainVotes });
      expect(await contracts.governor.hasVoted(proposal.id, contracts.operators[4] as never)).toBe(true);
      expect(await proposal.state()).toBe(State.executed);
    },
  );

  it("takes no ballot after the decision", async () => {
    const other = await restart();
    await decide(other);
    expect((await revertOf(other.vote(contracts.operators[4], Support.for)))?.slice(0, 3)).toEqual([
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
    useGovernance(await deployGovernance({ tracks: tracksWith({ fastPath: true, timelock: 600n }) }));
    const proposal = await flag();
    const receipt = await decide(proposal);
    const now = BigInt(await networkHelpers.time.latest());

    expect(eventsOf(receipt)).not.toContain("ProposalExecuted");
    expect(await proposal.state()).toBe(State.queued);
    expect(await contracts.governor.proposalEta(proposal.id)).toBe(now + 600n);
    const name = ethers.encodeBytes32String("learning.enabled");
    expect(await contracts.parameters.flag(name)).toBe(false);
    await expect(proposal.execute()).rejects.toThrow("TimelockUnexpectedOperationState");
    await proposal.waitForEta();
    await proposal.execute();
    expect(await contracts.parameters.flag(name)).toBe(true);
  });

  it("can be stopped by the guardian while it is in the queue", async () => {
    useGovernance(await deployGovernance({ tracks: tracksWith({ fastPath: true, timelock: 600n }) }));
    const proposal = await flag();
    await decide(proposal);
    await proposal.cancel(contracts.guardian);
    expect(await proposal.state()).toBe(State.canceled);
    await proposal.waitForEta();
    expect((await revertOf(proposal.execute()))?.[0]).toBe("GovernorUnexpectedProposalState");
  });
});

describe("The fast lane decides nothing, but counts and opens for the others", () => {
  it.each<[string, BallotsOfNodes]>([
    ["one short", { for: [0, 1, 2] }],
    ["one short with all others against", { for: [0, 1, 2], against: [3, 4] }],
    ["one short with abstentions", { for: [0, 1, 2], abstain: [3, 4] }],
    ["nobody for it", { against: [0, 1, 2, 3, 4] }],
    ["abstentions alone", { abstain: [0, 1, 2, 3, 4] }],
  ])("below the fast path: %s", async (_what, ballots) => {
    useGovernance(await deployGovernance({ tracks: QUICK }));
    const proposal = await flag();
    await decide(proposal, ballots);
    const { for: pro = [], against = [], abstain = [] } = ballots;
    const [forVotes, againstVotes, abstainVotes] = [pro, against, abstain].map(({ length }) => BigInt(length));
    expect(await proposal.votes()).toEqual({ for: forVotes, against: againstVotes, abstain: abstainVotes });
    expect(await proposal.state()).toBe(State.active);
  });

  it("where a claim of fact has half For; a majority For decides it, then and there", async () => {
    const proposal = await restart();
    await decide(proposal, { for: [0, 1] });
    expect(await proposal.state()).toBe(State.active);
    await decide(proposal, { for: [0, 1, 4] }, contracts.operators[1]);
    expect(await proposal.state()).toBe(State.executed);
    expect(await proposal.votes()).toEqual({ for: 3n, against: 0n, abstain: 0n });
  });

  it("with a majority that is short of the quorum", async () => {
    useGovernance(await deployGovernance({ tracks: tracksWith({ quorum: Share.twoThirds, fastPath: true }) }));
    const proposal = await flag();
    await decide(proposal, { for: [0, 1, 2], abstain: [4] });
    expect(await proposal.state()).toBe(State.active);
    await decide(proposal, { for: [0, 1, 2, 3] });
    expect(await proposal.state()).toBe(State.executed);
  });

  it("so that what stays open counts among what its opener has open", async () => {
    const [proposer] = contracts.operators;
    for (let i = 0; i < 4; i++) await decide(await restart({}, i), { for: [1] }, proposer);
    const fifth = await restart({}, 4);
    const refusal = ["GovernorTooManyOpenProposals", proposer?.address, Track.emergency, 4n];
    await expectRefused(fifth, refusal, { for: [1] });
    await expectRefused(fifth, refusal, ENOUGH);
    await decide(fifth, ENOUGH, contracts.operators[1]);
    expect(await fifth.state()).toBe(State.executed);
  });
});

describe("The fast lane refuses", () => {
  it.each([
    ["Against", { against: [3] }],
    ["an abstention", { abstain: [4] }],
  ])("a claim of fact with %s", async (_what, others) => {
    const proposal = await restart();
    await expectRefused(proposal, ["GovernorClaimOfFact", proposal.id], { for: [0, 1, 2], ...others });
  });

  it("accounts that are no members", async () => {
    const { stranger } = contracts;
    const refusal = ["GovernorInsufficientProposerVotes", stranger.address, 0n, 1n];
    await expectRefused(await restart(), refusal, ENOUGH, stranger);
  });

  it("tracks that ballots wait on, and tracks without a fast path", async () => {
    const { governor, nodes, parameters } = contracts;
    const setTrack = governor.interface.encodeFunctionData("setTrack", [Track.emergency, DEFAULT_TRACKS[0]]);
    for (const [call, track] of [
      [await flagCall(contracts), Track.operations],
      [await issueCall(contracts, { kind: Kind.Deploy }), Track.operations],
      [
        {
          target: await nodes.getAddress(),
          data: nodes.interface.encodeFunctionData("remove", [[voterOf(1).address]]),
        },
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

    for (const track of [
      { votingDelay: 1n, fastPath: true },
      { votingDelay: 0n, fastPath: false },
    ]) {
      useGovernance(await deployGovernance({ tracks: tracksWith(track) }));
      await expectRefused(await flag(), ["GovernorNoFastLane", Track.operations]);
    }
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
    for (const _ of ["a", "b", "c", "d", "e"]) await decide(await restart());
    const open: GovernanceHelper[] = [];
    for (let i = 0; i < 4; i++) {
      const proposal = await restart({}, 10 + i);
      await proposal.propose(proposer);
      open.push(proposal);
    }
    const proposal = await restart();
    await expectRefused(proposal, ["GovernorTooManyOpenProposals", proposer?.address, Track.emergency, 4n]);
    await open[2]?.cancel(contracts.guardian);
    await decide(proposal);
    const another = await restart();
    await decide(another, ENOUGH, other);
    expect([await proposal.state(), await another.state()]).toEqual([State.executed, State.executed]);
  });

  it("the same twice, and what is canceled already", async () => {
    const proposal = await restart();
    await decide(proposal);
    const refusal = (of: GovernanceHelper, state: bigint) => [
      "GovernorUnexpectedProposalState",
      of.id,
      state,
      stateBit(State.active),
    ];
    expect(await revertOf(decide(proposal))).toEqual(refusal(proposal, State.executed));
    expect(await revertOf(decide(proposal, ENOUGH, contracts.operators[1]))).toEqual(refusal(proposal, State.executed));

    const slow = await restart();
    await slow.propose(contracts.operators[0]);
    await slow.cancel(contracts.guardian);
    expect(await revertOf(decide(slow))).toEqual(refusal(slow, State.canceled));
    expect(await slow.votes()).toEqual({ for: 0n, against: 0n, abstain: 0n });
  });

  it("a directive that was issued already, under another reason", async () => {
    const proposal = await restart();
    await decide(proposal);
    const [target = "", data = ""] = [proposal.targets[0], proposal.calldatas[0]];
    const again = await new GovernanceHelper(contracts.governor, [{ target, data }], "once more").withId();
    await expectRefused(again, ["DirectiveRegistryAlreadyIssued", proposal.directiveId]);
  });

  it("all of it when a call fails", async () => {
    await expectRefused(await restart({ window: 0 }), ["DirectiveRegistryInvalidDirective"]);
    const proposal = await restart();
    expect(await contracts.directives.status(proposal.directiveId)).toBe(0n);
    await decide(proposal);
    expect(await proposal.state()).toBe(State.executed);
  });

  it("signatures that are not what is claimed", async () => {
    const [proposal, other] = [await restart(), await restart({}, 1)];
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
