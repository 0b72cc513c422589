import { beforeEach, describe, expect, it } from "vitest";
import { signBallot } from "./ballots.js";
import { DEFAULT_TRACKS, deployWorld, ethers, networkHelpers, rules, Track, type World } from "./setting.js";
import { type Call, issueCall, Kind, passTo, revertOf, State, Story, Support } from "./story.js";

let world: World;
beforeEach(async () => {
  world = await deployWorld();
});

/** A flag set by vote: a call of Operations that anybody can see the effect of. */
async function flagCall(name = "learning.enabled"): Promise<Call> {
  const data = world.parameters.interface.encodeFunctionData("setFlag", [ethers.encodeBytes32String(name), true]);
  return { target: await world.parameters.getAddress(), data };
}

async function restart(salt = "once", evidence: string[] = []): Promise<Story> {
  return new Story(world.governor, [await issueCall(world, { kind: Kind.Restart, salt: ethers.id(salt), evidence })]);
}

describe("NodeGovernor, opening", () => {
  it("freezes track, rules, committee and times, and says so in two events", async () => {
    const evidence = [ethers.id("a"), ethers.id("b")].sort();
    const story = await restart("once", evidence);
    const receipt = await story.propose(world.operators[0]);

    const [created, opened] = receipt.logs.map((log) => world.governor.interface.parseLog(log));
    expect(created?.name).toBe("ProposalCreated");
    expect([opened?.name, ...(opened?.args.toArray(true) ?? [])]).toEqual([
      "ProposalOpened",
      story.id,
      Track.emergency,
      1n,
      5n,
      evidence,
    ]);
    expect(await world.governor.proposalRules(story.id)).toEqual([
      1n,
      5n,
      Track.emergency,
      3300n,
      5000n,
      6700n,
      0n,
      86_400n,
    ]);
    expect(await world.governor.proposalQuorum(story.id)).toBe(2n);
    expect(await world.governor.proposalProposer(story.id)).toBe(world.operators[0]?.address);
    expect(await story.state()).toBe(State.pending);
  });

  it.each([
    ["Deploy", Track.operations],
    ["Scale", Track.operations],
    ["Rollback", Track.emergency],
    ["Restart", Track.emergency],
    ["StartRound", Track.operations],
    ["AcceptModel", Track.operations],
    ["Admit", Track.membership],
    ["Ban", Track.membership],
    ["RotateKey", Track.membership],
    ["SetParameter", Track.constitution],
    ["SetFlag", Track.operations],
    ["SetTrack", Track.constitution],
    ["Experiment", Track.operations],
  ] as const)("decides %s on track %i", async (kind, track) => {
    const story = new Story(world.governor, [await issueCall(world, { kind: Kind[kind] })]);
    expect(await world.governor.trackOf(story.targets, story.calldatas)).toBe(track);
    await story.propose(world.operators[1]);

    const wanted = DEFAULT_TRACKS[Number(track)];
    const start = await world.governor.proposalSnapshot(story.id);
    expect(start - BigInt(await networkHelpers.time.latest())).toBe(wanted?.votingDelay);
    expect((await world.governor.proposalDeadline(story.id)) - start).toBe(wanted?.votingPeriod);
    const frozen = await world.governor.proposalRules(story.id);
    expect([frozen.quorum, frozen.approval, frozen.fastPath, frozen.timelock, frozen.expiry]).toEqual([
      wanted?.quorum,
      wanted?.approval,
      wanted?.fastPath,
      wanted?.timelock,
      wanted?.expiry,
    ]);
  });

  it("takes the most careful track of several calls", async () => {
    const { governor, nodes, timelock } = world;
    const quick = await issueCall(world, { kind: Kind.Restart });
    const flag = await flagCall();
    const ban = { target: await nodes.getAddress(), data: nodes.interface.encodeFunctionData("remove", [[1]]) };
    const genesis = { target: await nodes.getAddress(), data: nodes.interface.encodeFunctionData("closeGenesis") };
    const role = { target: await timelock.getAddress(), data: "0x" };
    const tracksOf = async (...calls: Call[]) =>
      governor.trackOf(
        calls.map((call) => call.target),
        calls.map((call) => call.data),
      );

    expect(await tracksOf(quick)).toBe(Track.emergency);
    expect(await tracksOf(flag, quick)).toBe(Track.operations);
    expect(await tracksOf(quick, ban, flag)).toBe(Track.membership);
    expect(await tracksOf(genesis)).toBe(Track.constitution);
    expect(await tracksOf(role, quick)).toBe(Track.constitution);
    expect(await tracksOf({ target: quick.target, data: "0x" })).toBe(Track.constitution);
  });

  it("is for members alone", async () => {
    const story = await restart();
    expect(await revertOf(story.propose(world.stranger))).toEqual([
      "GovernorInsufficientProposerVotes",
      world.stranger.address,
      0n,
      1n,
    ]);
  });

  it("opens one proposal for one observation, whoever comes first", async () => {
    await (await restart()).propose(world.operators[0]);
    const second = await restart();
    expect(await revertOf(second.propose(world.operators[1]))).toEqual([
      "GovernorUnexpectedProposalState",
      second.id,
      State.active,
      ethers.ZeroHash,
    ]);
  });

  it("refuses evidence that is out of order, repeated, zero or too much", async () => {
    const [low, high] = [ethers.toBeHex(1, 32), ethers.toBeHex(2, 32)];
    const many = Array.from({ length: 17 }, (_, i) => ethers.toBeHex(i + 1, 32));
    const refusal = async (evidence: string[]) => revertOf((await restart("x", evidence)).propose(world.operators[0]));

    expect(await refusal([high, low])).toEqual(["GovernorInvalidEvidence", 1n]);
    expect(await refusal([low, low])).toEqual(["GovernorInvalidEvidence", 1n]);
    expect(await refusal([ethers.ZeroHash])).toEqual(["GovernorInvalidEvidence", 0n]);
    expect(await refusal(many)).toEqual(["GovernorInvalidEvidence", 16n]);
    expect(await refusal(many.slice(0, 16))).toBeUndefined();
  });

  it("refuses a second directive in one proposal, and one that does not read", async () => {
    const call = await issueCall(world, { kind: Kind.Restart });
    const two = new Story(world.governor, [call, await issueCall(world, { kind: Kind.Deploy })]);
    const broken = new Story(world.governor, [{ ...call, data: call.data.slice(0, -2) }]);

    expect(await revertOf(two.propose(world.operators[0]))).toEqual(["GovernorInvalidDirective", 1n]);
    expect(await revertOf(broken.propose(world.operators[0]))).toEqual(["GovernorInvalidDirective", 0n]);
  });

  it("refuses lists of unequal length", async () => {
    const { governor, operators } = world;
    const call = await flagCall();
    const propose = governor.connect(operators[0]).propose;
    expect(await revertOf(propose([call.target], [0n], [], "x"))).toEqual([
      "GovernorInvalidProposalLength",
      1n,
      0n,
      1n,
    ]);
    expect(await revertOf(propose([call.target], [], [call.data], "x"))).toEqual([
      "GovernorInvalidProposalLength",
      1n,
      1n,
      0n,
    ]);
    expect(await revertOf(propose([], [], [], "x"))).toEqual(["GovernorInvalidProposalLength", 0n, 0n, 0n]);
  });

  it("bounds what one node has open on a track, until something closes", async () => {
    const stories = await Promise.all([0, 1, 2, 3, 4].map((i) => restart(`${i}`)));
    for (const story of stories.slice(0, 4)) await story.propose(world.operators[0]);
    const last = stories[4] as Story;
    const refused = ["GovernorTooManyOpenProposals", world.operators[0]?.address, Track.emergency, 4n];
    expect(await revertOf(last.propose(world.operators[0]))).toEqual(refused);

    // Other nodes and other tracks have bounds of their own.
    await new Story(world.governor, [await flagCall()]).propose(world.operators[0]);
    await stories[2]?.cancel(world.guardian);
    await last.propose(world.operators[0]);
    expect(await revertOf((await restart("6")).propose(world.operators[0]))).toEqual(refused);

    await last.waitForEnd();
    await (await restart("7")).propose(world.operators[0]);
  });
});

describe("NodeGovernor, voting", () => {
  it("counts one vote a node and says who voted", async () => {
    const { governor, operators } = world;
    const story = new Story(governor, [await flagCall()]);
    await story.propose(operators[0]);
    await story.waitForStart();
    const receipt = await story.vote(operators[0], Support.for);
    await story.vote(operators[1], Support.against);
    await story.vote(operators[4], Support.abstain);

    const cast = governor.interface.parseLog(receipt.logs[0] ?? { topics: [], data: "0x" });
    expect([cast?.name, ...(cast?.args ?? [])]).toEqual(["VoteCast", operators[0]?.address, story.id, 1n, 1n, ""]);
    expect(await story.votes()).toEqual({ for: 1n, against: 1n, abstain: 1n });
    expect(await Promise.all(operators.map((operator) => governor.hasVoted(story.id, operator)))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(await Promise.all([0, 1, 2, 3, 4].map((i) => governor.hasIndexVoted(story.id, i)))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(await governor.hasVoted(story.id, world.stranger)).toBe(false);
    expect(await governor.hasVoted(12n, operators[0] as never)).toBe(false);
  });

  it("keeps reasons and parameters in the events", async () => {
    const { governor, operators } = world;
    const story = new Story(governor, [await flagCall()]);
    await story.propose(operators[0]);
    await story.waitForStart();
    await expect(
      eventsOf(governor.connect(operators[0]).castVoteWithReason(story.id, Support.against, "evidence is missing")),
    ).resolves.toEqual([["VoteCast", operators[0]?.address, story.id, 0n, 1n, "evidence is missing"]]);
    await expect(
      eventsOf(governor.connect(operators[1]).castVoteWithReasonAndParams(story.id, Support.for, "why", "0x01")),
    ).resolves.toEqual([["VoteCastWithParams", operators[1]?.address, story.id, 1n, 1n, "why", "0x01"]]);
  });

  it("takes a signed ballot from anybody, without a nonce", async () => {
    const { governor, operators, stranger } = world;
    const story = new Story(governor, [await flagCall()]);
    await story.propose(operators[0]);
    await story.waitForStart();
    const voter = operators[2];
    if (!voter) throw new Error("no voter");
    const signature = await signBallot(governor, story.id, voter, Support.for);

    expect(await revertOf(governor.castVoteBySig(story.id, Support.against, voter, signature))).toEqual([
      "GovernorInvalidSignature",
      voter.address,
    ]);
    await governor.connect(stranger).castVoteBySig(story.id, Support.for, voter, signature);
    expect(await governor.hasVoted(story.id, voter)).toBe(true);
    expect(await governor.nonces(voter)).toBe(0n);
    expect(await revertOf(governor.castVoteBySig(story.id, Support.for, voter, signature))).toEqual([
      "GovernorAlreadyCastVote",
      voter.address,
    ]);
  });

  it("refuses strangers, and nobody before the start or after the end", async () => {
    const { governor, operators, stranger } = world;
    const story = new Story(governor, [await flagCall()]);
    await story.propose(operators[0]);
    const active = ethers.toBeHex(2, 32);
    expect(await revertOf(story.vote(operators[0], Support.for))).toEqual([
      "GovernorUnexpectedProposalState",
      story.id,
      State.pending,
      active,
    ]);
    await story.waitForStart();
    expect(await revertOf(story.vote(stranger, Support.for))).toEqual(["GovernorNotMember", stranger.address, 1n]);
    expect(await revertOf(story.vote(operators[0], 3))).toEqual(["GovernorInvalidVoteType"]);
    await story.waitForEnd();
    expect(await revertOf(story.vote(operators[0], Support.for))).toEqual([
      "GovernorUnexpectedProposalState",
      story.id,
      State.defeated,
      active,
    ]);
    expect(await revertOf(governor.connect(operators[0]).castVote(12n, Support.for))).toEqual([
      "GovernorNonexistentProposal",
      12n,
    ]);
  });
});

describe("NodeGovernor, the outcome", () => {
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
    const story = new Story(world.governor, [await flagCall()]);
    await story.propose(world.operators[0]);
    await story.waitForStart();
    for (const [i, ballot] of [...ballots].entries()) await story.vote(world.operators[i], "AFN".indexOf(ballot));
    expect(await story.state()).toBe(State.active);
    await story.waitForEnd();
    expect(await story.state()).toBe(State[state]);
  });

  it("ends at once when the fast path is reached, and takes no ballot after it", async () => {
    const { governor, operators } = world;
    const story = new Story(governor, [await flagCall()]);
    await story.propose(operators[0]);
    await story.waitForStart();
    await story.voteAll(operators.slice(0, 3));
    expect(await story.state()).toBe(State.active);
    await story.vote(operators[3], Support.for);
    expect(await story.state()).toBe(State.succeeded);
    expect((await revertOf(story.vote(operators[4], Support.against)))?.[0]).toBe("GovernorUnexpectedProposalState");
    await story.queue();
    expect(await story.state()).toBe(State.queued);
  });

  it("waits for quorum and approval on the fast path, too", async () => {
    // More quorum than fast path, so that For alone is not enough.
    world = await deployWorld({ tracks: [1, 2, 3, 4].map(() => rules({ quorum: 8000n, fastPath: 5000n })) });
    const story = new Story(world.governor, [await flagCall()]);
    await story.propose(world.operators[0]);
    await story.waitForStart();
    await story.voteAll(world.operators.slice(0, 3));
    expect(await story.state()).toBe(State.active);
    await story.vote(world.operators[3], Support.abstain);
    expect(await story.state()).toBe(State.succeeded);
  });

  it("expires a decision that nobody carries out, queued or not", async () => {
    const { governor, operators } = world;
    const stories = [new Story(governor, [await flagCall("a")]), new Story(governor, [await flagCall("b")])];
    for (const story of stories) await story.propose(operators[0]);
    for (const story of stories) {
      await story.waitForStart();
      await story.voteAll(operators.slice(0, 4));
    }
    const [left, queued] = stories as [Story, Story];
    await queued.queue();
    const expiry = await governor.proposalExpiry(left.id);
    expect(expiry).toBe((await governor.proposalDeadline(left.id)) + 600n + 7n * 86_400n);

    await passTo(expiry);
    expect([await left.state(), await queued.state()]).toEqual([State.succeeded, State.queued]);
    await queued.waitForExpiry();
    expect([await left.state(), await queued.state()]).toEqual([State.expired, State.expired]);
    expect((await revertOf(left.queue()))?.[0]).toBe("GovernorUnexpectedProposalState");
    expect((await revertOf(queued.execute()))?.[0]).toBe("GovernorUnexpectedProposalState");
    expect((await revertOf(left.cancel(world.guardian)))?.[0]).toBe("GovernorUnexpectedProposalState");
  });

  it("tells standard tooling what it asks for", async () => {
    const { governor, operators, stranger, guardian, guardianExpiry, timelock } = world;
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
    expect(await governor.nodes()).toBe(await world.nodes.getAddress());
    expect(await governor.guardian()).toBe(guardian.address);
    expect(await governor.guardianExpiry()).toBe(guardianExpiry);
    expect(await governor.proposalQuorum(12)).toBe(0n);
    expect(await governor.proposalNeedsQueuing(12)).toBe(true);
  });
});

async function eventsOf(sent: Promise<{ wait(): Promise<{ logs: readonly unknown[] } | null> }>): Promise<unknown[][]> {
  const receipt = await (await sent).wait();
  return (receipt?.logs ?? []).map((log) => {
    const event = world.governor.interface.parseLog(log as { topics: string[]; data: string });
    return [event?.name, ...(event?.args ?? [])];
  });
}
