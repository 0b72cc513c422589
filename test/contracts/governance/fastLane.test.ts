import { beforeEach, describe, expect, it } from "vitest";
import { aggregate, type Ballots, pollOf, refusalOf, signersOf } from "./aggregates.js";
import {
  argumentsOf,
  begin,
  decide,
  ENOUGH,
  eventsOf,
  expectNothing,
  goTo,
  ISSUED,
  known,
  only,
  refused,
  restart,
  timelockAccount,
  world,
} from "./fastLaneSetting.js";
import { DEFAULT_TRACKS, deployWorld, ethers, networkHelpers, rules, Track } from "./setting.js";
import { directiveOf, flagCall, issueCall, Kind, State, Story, Support } from "./story.js";

beforeEach(begin);

describe("The fast lane", () => {
  it("opens, counts and issues in one transaction", async () => {
    const { governor, directives, operators } = world;
    const story = await restart();
    const receipt = await decide(story, { ...ENOUGH, against: [4] });
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
    expect(await story.state()).toBe(State.executed);
    expect(await story.votes()).toEqual({ for: 4n, against: 1n, abstain: 0n });
    expect(await governor.proposalProposer(story.id)).toBe(operators[0]?.address);
    expect(await governor.hasVoted(story.id, operators[4] as never)).toBe(true);

    const directiveId = await directives.directiveId(directiveOf({ kind: Kind.Restart }));
    const issued = await directives.issued(directiveId);
    expect([issued.kind, issued.issuedAt, issued.committeeSize]).toEqual([BigInt(Kind.Restart), now, 5n]);
    expect(await directives.status(directiveId)).toBe(ISSUED);
    const [event] = await directives.queryFilter(directives.filters.DirectiveIssued);
    expect(event?.args.directiveId).toBe(directiveId);
    expect(event?.transactionHash).toBe(receipt.hash);
  });

  it("freezes what a slow proposal would, and votes from the second before", async () => {
    const { governor } = world;
    const [slow, fast] = [await restart({ salt: ethers.id("slow") }), await restart()];
    await slow.propose(world.operators[0]);
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
    const story = await restart();
    await decide(story, { ...ENOUGH, abstain: [4] });
    expect(await story.votes()).toEqual({ for: 4n, against: 0n, abstain: 1n });
    const other = await restart({ salt: ethers.id("other") });
    await decide(other);
    expect((await refusalOf(other.vote(world.operators[4], Support.against)))?.slice(0, 3)).toEqual([
      "GovernorUnexpectedProposalState",
      other.id,
      State.executed,
    ]);
  });

  it("lets any member open, and needs no vote of it", async () => {
    const story = await restart();
    await decide(story, { for: [0, 1, 2, 3] }, world.operators[4]);
    expect(await world.governor.hasVoted(story.id, world.operators[4] as never)).toBe(false);
    expect(await story.state()).toBe(State.executed);
  });

  it("queues where there is a timelock, which has the last word", async () => {
    const track = rules({ fastPath: 6700n, timelock: 600n });
    goTo(await deployWorld({ tracks: [track, track, track, track] }));
    const story = await known(new Story(world.governor, [await flagCall(world)]));
    const receipt = await decide(story);
    const now = BigInt(await networkHelpers.time.latest());

    expect(eventsOf(receipt)).not.toContain("ProposalExecuted");
    expect(await story.state()).toBe(State.queued);
    expect(await world.governor.proposalEta(story.id)).toBe(now + 600n);
    const flag = ethers.encodeBytes32String("learning.enabled");
    expect(await world.parameters.flag(flag)).toBe(false);
    await expect(story.execute()).rejects.toThrow("TimelockUnexpectedOperationState");
    await story.waitForEta();
    await story.execute();
    expect(await world.parameters.flag(flag)).toBe(true);
  });

  it("queues while the timelock's own minimum is longer", async () => {
    const { timelock } = world;
    await timelock.connect(await timelockAccount()).updateDelay(100);
    const story = await restart();
    await decide(story);
    expect(await story.state()).toBe(State.queued);
    await story.waitForEta();
    await story.execute();
    expect(await story.state()).toBe(State.executed);
  });

  it("can be stopped by the guardian while it is in the queue", async () => {
    goTo(await deployWorld({ tracks: [1, 2, 3, 4].map(() => rules({ fastPath: 6700n, timelock: 600n })) }));
    const story = await restart();
    await decide(story);
    await story.cancel(world.guardian);
    expect(await story.state()).toBe(State.canceled);
    await story.waitForEta();
    expect((await refusalOf(story.execute()))?.[0]).toBe("GovernorUnexpectedProposalState");
  });
});

describe("The fast lane refuses", () => {
  it("who is no member", async () => {
    const { stranger } = world;
    const refusal = ["GovernorInsufficientProposerVotes", stranger.address, 0n, 1n];
    await refused(await restart(), refusal, ENOUGH, stranger);
  });

  it.each<[string, Ballots]>([
    ["one short", { for: [0, 1, 2] }],
    ["one short with all others against", { for: [0, 1, 2], against: [3, 4] }],
    ["one short with abstentions", { for: [0, 1, 2], abstain: [3, 4] }],
    ["nobody for it", { against: [0, 1, 2, 3, 4] }],
    ["abstentions alone", { abstain: [0, 1, 2, 3, 4] }],
  ])("what is below the fast path: %s", async (_what, ballots) => {
    const story = await restart();
    await refused(story, ["GovernorUnexpectedProposalState", story.id, State.active, only(State.succeeded)], ballots);
    // Opened slowly, the same ballots count for what they are.
    await story.propose(world.operators[0]);
    await story.waitForStart();
    const signature = aggregate(await pollOf(world.governor, story.id), ballots);
    await world.governor.castVotesByAggregate(story.id, signersOf(ballots), signature);
    expect(await story.state()).toBe(State.active);
  });

  it("what is on the fast path but short of quorum or approval", async () => {
    const track = { fastPath: 5000n, approval: 8000n, quorum: 8000n };
    goTo(await deployWorld({ tracks: [1, 2, 3, 4].map(() => rules(track)) }));
    const story = await restart();
    const refusal = ["GovernorUnexpectedProposalState", story.id, State.active, only(State.succeeded)];
    await refused(story, refusal, { for: [0, 1, 2] });
    await refused(story, refusal, { for: [0, 1, 2], against: [3], abstain: [4] });
    await refused(story, refusal, { for: [0, 1, 2], against: [3, 4] });
    await decide(story, { for: [0, 1, 2], abstain: [3] });
    expect(await story.state()).toBe(State.executed);
  });

  it("tracks that ballots wait on, and tracks without a fast path", async () => {
    const { governor, nodes, parameters } = world;
    const setTrack = governor.interface.encodeFunctionData("setTrack", [Track.emergency, DEFAULT_TRACKS[0]]);
    for (const [call, track] of [
      [await flagCall(world), Track.operations],
      [await issueCall(world, { kind: Kind.Deploy }), Track.operations],
      [
        { target: await nodes.getAddress(), data: nodes.interface.encodeFunctionData("remove", [[1]]) },
        Track.membership,
      ],
      [await issueCall(world, { kind: Kind.Ban }), Track.membership],
      [{ target: await governor.getAddress(), data: setTrack }, Track.constitution],
      [{ target: await parameters.getAddress(), data: "0x" }, Track.constitution],
    ] as const) {
      await refused(await known(new Story(governor, [call])), ["GovernorNoFastLane", track]);
    }
    // A restart that something slower hides behind is as slow.
    const together = [await issueCall(world, { kind: Kind.Restart }), await flagCall(world)];
    await refused(await known(new Story(governor, together)), ["GovernorNoFastLane", Track.operations]);

    const [delayed, slow] = [rules({ votingDelay: 1n, fastPath: 6700n }), rules({ votingDelay: 0n })];
    goTo(await deployWorld({ tracks: [slow, delayed, delayed, delayed] }));
    await refused(await restart(), ["GovernorNoFastLane", Track.emergency]);
    const flag = await known(new Story(world.governor, [await flagCall(world)]));
    await refused(flag, ["GovernorNoFastLane", Track.operations]);
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
      await refused(await restart({ evidence: [...evidence] }), ["GovernorInvalidEvidence", position]);
    }
    const story = await restart({ evidence: ids.slice(0, 16) });
    await decide(story);
    expect(await story.state()).toBe(State.executed);
  });

  it("a member with too many proposals open, until one has closed; decisions do not count among them", async () => {
    const [proposer, other] = world.operators;
    for (const salt of ["a", "b", "c", "d", "e"]) await decide(await restart({ salt: ethers.id(salt) }));
    const open: Story[] = [];
    for (let i = 0; i < 4; i++) {
      const story = await restart({ salt: ethers.id(`open ${i}`) });
      await story.propose(proposer);
      open.push(story);
    }
    const story = await restart();
    await refused(story, ["GovernorTooManyOpenProposals", proposer?.address, Track.emergency, 4n]);
    await open[2]?.cancel(world.guardian);
    await decide(story);
    const another = await restart({ salt: ethers.id("another") });
    await decide(another, ENOUGH, other);
    expect([await story.state(), await another.state()]).toEqual([State.executed, State.executed]);
  });

  it("the same twice, and what is open or canceled already", async () => {
    const story = await restart();
    await decide(story);
    const refusal = (of: Story, state: bigint) => ["GovernorUnexpectedProposalState", of.id, state, ethers.ZeroHash];
    expect(await refusalOf(decide(story))).toEqual(refusal(story, State.executed));
    expect(await refusalOf(decide(story, ENOUGH, world.operators[1]))).toEqual(refusal(story, State.executed));

    const slow = await restart({ salt: ethers.id("slow") });
    await slow.propose(world.operators[0]);
    expect(await refusalOf(decide(slow, ENOUGH, world.operators[1]))).toEqual(refusal(slow, State.active));
    await slow.cancel(world.guardian);
    expect(await refusalOf(decide(slow))).toEqual(refusal(slow, State.canceled));
    expect(await slow.votes()).toEqual({ for: 0n, against: 0n, abstain: 0n });
  });

  it("a directive that was issued already, under another reason", async () => {
    const story = await restart();
    await decide(story);
    const again = new Story(world.governor, [await issueCall(world, { kind: Kind.Restart })], "once more");
    const directiveId = await world.directives.directiveId(directiveOf({ kind: Kind.Restart }));
    await known(again);
    await refused(again, ["DirectiveRegistryAlreadyIssued", directiveId]);
  });

  it("all of it when a call fails", async () => {
    await refused(await restart({ window: 0 }), ["DirectiveRegistryInvalidDirective"]);
    const { directives } = world;
    const good = directiveOf({ kind: Kind.Restart });
    expect(await directives.status(await directives.directiveId(good))).toBe(0n);
    const story = await restart();
    await decide(story);
    expect(await story.state()).toBe(State.executed);
  });

  it("signatures that are not what is claimed", async () => {
    const [story, other] = [await restart(), await restart({ salt: ethers.id("other") })];
    const by = world.governor.connect(world.operators[0]);
    const invalid = ["NodeRegistryInvalidSignature"];
    const attempt = async (signers: Ballots, signed: Ballots) =>
      by.decide(...(await argumentsOf(story, signers, signed)));
    expect(await refusalOf(attempt({ for: [0, 1, 2, 3, 4] }, ENOUGH))).toEqual(invalid);
    expect(await refusalOf(attempt({ for: [0, 1, 2, 4] }, ENOUGH))).toEqual(invalid);
    expect(await refusalOf(attempt(ENOUGH, { against: [0, 1, 2, 3] }))).toEqual(invalid);
    const [targets, values, calldatas, why, signers] = await argumentsOf(story, ENOUGH);
    const [, , , , , foreign] = await argumentsOf(other, ENOUGH);
    expect(await refusalOf(by.decide(targets, values, calldatas, why, signers, foreign))).toEqual(invalid);
    // The same calls for another reason are another proposal.
    const [, , , , , own] = await argumentsOf(story, ENOUGH);
    expect(await refusalOf(by.decide(targets, values, calldatas, "another", signers, own))).toEqual(invalid);
    await expectNothing(story);
    await expectNothing(other);
  });

  it("calls and values that do not match", async () => {
    const story = await restart();
    const [targets, , calldatas, why, signers, signature] = await argumentsOf(story, ENOUGH);
    const by = world.governor.connect(world.operators[0]);
    expect(await refusalOf(by.decide(targets, [], calldatas, why, signers, signature))).toEqual([
      "GovernorInvalidProposalLength",
      1n,
      1n,
      0n,
    ]);
    expect(await refusalOf(by.decide([], [], [], why, signers, signature))).toEqual([
      "GovernorInvalidProposalLength",
      0n,
      0n,
      0n,
    ]);
    await expectNothing(story);
  });
});
