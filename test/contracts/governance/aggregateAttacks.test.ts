import { concat, dataSlice, toBeHex } from "ethers";
import { network } from "hardhat";
import { beforeEach, describe, expect, it } from "vitest";
import { type NodeGovernor, NodeGovernor__factory } from "../../../src/ports/chain/bindings/index.js";
import { G2_INFINITY, POSSESSION_DOMAIN, sign } from "../libraries/eip2537.js";
import {
  aggregate,
  batchOf,
  digestOf,
  PATHS,
  type Poll,
  pollOf,
  refusalOf,
  secretOfNode,
  signersOf,
} from "./aggregates.js";
import { castAll, claim, INVALID, opened, refused, TOGETHER, votedAlready, voterOf } from "./attacks.js";
import { DEFAULT_TRACKS, deploy, ethers, freshWorld, networkHelpers, type World } from "./setting.js";
import { flagCall, passTo, State, Story, Support } from "./story.js";

const SUPPORTS = [Support.against, Support.for, Support.abstain];
const EXTENDED_BALLOT = {
  ExtendedBallot: [
    { name: "proposalId", type: "uint256" },
    { name: "support", type: "uint8" },
    { name: "reason", type: "string" },
    { name: "params", type: "bytes" },
  ],
};

let world: World;
let story: Story;
let poll: Poll;

/** A vote among five nodes that has begun, in which node 4 has voted Against. */
beforeEach(async () => {
  world = await freshWorld();
  story = await opened(world, "learning.enabled");
  poll = await pollOf(world.governor, story.id);
  await story.vote(voterOf(world, 4), Support.against);
});

/** `castVotesBySig` with one ballot, signed for `signedFor`. */
async function bringOne(index: number, support: number, signedFor = poll): Promise<unknown> {
  const entry = { index, support, voter: voterOf(world, index) };
  return world.governor.castVotesBySig(story.id, await batchOf(signedFor, [entry]));
}

describe("What is signed for something else", () => {
  const elsewhere: [string, (poll: Poll) => Poll][] = [
    ["another proposal", (of) => ({ ...of, proposalId: of.proposalId + 1n })],
    ["another chain", (of) => ({ ...of, domain: { ...of.domain, chainId: 1n } })],
    ["another governor", (of) => ({ ...of, domain: { ...of.domain, verifyingContract: ethers.ZeroAddress } })],
    ["another contract by name", (of) => ({ ...of, domain: { ...of.domain, name: "DirectiveRegistry" } })],
    ["another version", (of) => ({ ...of, domain: { ...of.domain, version: "2" } })],
  ];
  it.each(elsewhere)("counts for nothing: %s", async (_what, change) => {
    for (const ballots of [{ for: [0, 1] }, { against: [0] }, { abstain: [0, 2] }, { for: [0], against: [1] }]) {
      await refused(story, () => claim(story, ballots, aggregate(change(poll), ballots)), INVALID);
    }
    for (const support of SUPPORTS) {
      await refused(story, () => bringOne(0, support, change(poll)), ["NodeRegistryInvalidSignatureOf", 0n]);
    }
    // The same, signed for this poll, counts.
    await claim(story, { for: [0, 1] }, aggregate(poll, { for: [0, 1] }));
    await bringOne(2, Support.for);
    expect(await story.votes()).toEqual({ for: 3n, against: 1n, abstain: 0n });
  });

  it("counts for no other proposal that is open", async () => {
    const other = await opened(world, "another");
    const ballots = { for: [0, 1] };
    await refused(other, () => claim(other, ballots, aggregate(poll, ballots)), INVALID);
    await claim(story, ballots, aggregate(poll, ballots));
  });

  it("counts for no other governor of the same nodes, though the proposal has the same id", async () => {
    const { nodes, timelock, directives, models, parameters } = world;
    const wiring = [nodes, timelock, directives, models, parameters, ethers.ZeroAddress, 0, DEFAULT_TRACKS];
    const other = new Story(await deploy<NodeGovernor>("NodeGovernor", wiring), [await flagCall(world)]);
    await other.propose(voterOf(world, 0));
    await other.waitForStart();
    expect(other.id).toBe(story.id);

    const ballots = { for: [0, 1], abstain: [2] };
    await refused(other, () => claim(other, ballots, aggregate(poll, ballots)), INVALID);
    const batch = await batchOf(poll, [{ index: 0, support: Support.for, voter: voterOf(world, 0) }]);
    const refusal = ["NodeRegistryInvalidSignatureOf", 0n];
    await refused(other, () => other.governor.castVotesBySig(other.id, batch), refusal);
    await claim(other, ballots, aggregate(await pollOf(other.governor, other.id), ballots));
    await claim(story, ballots, aggregate(poll, ballots));
  });

  it("counts for no chain that splits off: there the same governor wants another digest signed", async () => {
    const { domain } = poll;
    const split = await network.create({ override: { chainId: 1 } });
    await split.networkHelpers.setCode(
      domain.verifyingContract,
      await ethers.provider.getCode(domain.verifyingContract),
    );
    const there = NodeGovernor__factory.connect(domain.verifyingContract, split.ethers.provider);
    for (const support of SUPPORTS) {
      const digest = await there.ballotDigest(story.id, support);
      expect(digest).not.toBe(await world.governor.ballotDigest(story.id, support));
      expect(digest).toBe(digestOf({ ...poll, domain: { ...domain, chainId: 1n } }, support));
    }
  });

  it("counts for no other support", async () => {
    const supports = ["against", "for", "abstain"] as const;
    for (const [signed, signedAs] of supports.entries()) {
      for (const [claimed, claimedAs] of supports.entries()) {
        if (signed === claimed) continue;
        const signature = aggregate(poll, { [signedAs]: [0, 1] });
        await refused(story, () => claim(story, { [claimedAs]: [0, 1] }, signature), INVALID);

        const entry = await batchOf(poll, [{ index: 0, support: signed, voter: voterOf(world, 0) }]);
        const relabelled = concat([dataSlice(entry, 0, 4), toBeHex(claimed, 1), dataSlice(entry, 5)]);
        await refused(story, () => world.governor.castVotesBySig(story.id, relabelled), [
          "NodeRegistryInvalidSignatureOf",
          0n,
        ]);
      }
    }
  });

  it("does not change sides between nodes", async () => {
    const signature = aggregate(poll, { for: [0], against: [1], abstain: [2] });
    for (const ballots of [
      { for: [1], against: [0], abstain: [2] },
      { for: [0], against: [2], abstain: [1] },
      { for: [2], against: [1], abstain: [0] },
      { for: [0, 2], against: [1] },
      { abstain: [0, 1] },
    ]) {
      await refused(story, () => claim(story, ballots, signature), INVALID);
    }
    // One that is For and one that is Against are not one that abstains.
    const opposed = aggregate(poll, { for: [0], against: [1] });
    for (const abstain of [[0], [1], [0, 1]]) await refused(story, () => claim(story, { abstain }, opposed), INVALID);
  });

  it("counts for nothing under the domain of possession proofs of old", async () => {
    const signature = sign(secretOfNode(0), digestOf(poll, Support.for), POSSESSION_DOMAIN);
    await refused(story, () => claim(story, { for: [0] }, signature), INVALID);
  });
});

describe("A claim that other nodes have signed", () => {
  it("is refused with a bit too many, a bit too few or another bit", async () => {
    const signature = aggregate(poll, { for: [0, 1] });
    for (const claimed of [[0, 1, 2], [0, 1, 2, 3], [0], [1], [0, 2], [2, 3]]) {
      await refused(story, () => claim(story, { for: claimed }, signature), INVALID);
    }
    for (const set of ["against", "abstain"] as const) {
      await refused(story, () => claim(story, { for: [0, 1], [set]: [2] }, signature), INVALID);
    }
    await claim(story, { for: [0, 1] }, signature);
  });

  it("is refused of indices beyond the committee, though their keys have signed", async () => {
    for (const [index, word, bit] of [
      [5, 0n, 1n << 5n],
      [255, 0n, 1n << 255n],
    ] as const) {
      for (const set of ["for", "against", "abstain"]) {
        const ballots = { [set]: [index] };
        await refused(story, () => claim(story, ballots, aggregate(poll, ballots)), [
          "NodeRegistryNotMembers",
          word,
          bit,
        ]);
      }
      const ballots = { for: [0], against: [index] };
      await refused(story, () => claim(story, ballots, aggregate(poll, ballots)), [
        "NodeRegistryNotMembers",
        word,
        bit,
      ]);
    }
  });

  it("is refused when a node is in two sets", async () => {
    for (const ballots of [
      { for: [0, 1], against: [1] },
      { for: [0, 1], abstain: [1] },
      { against: [1], abstain: [0, 1] },
      { for: [1], against: [1], abstain: [1] },
    ]) {
      await refused(story, () => claim(story, ballots, aggregate(poll, ballots)), ["NodeRegistryOverlappingSets", 0n]);
    }
  });

  it("is refused of nobody, by every path that takes several", async () => {
    for (const signature of [aggregate(poll, { for: [0] }), G2_INFINITY, "0x"]) {
      await refused(story, () => claim(story, {}, signature), ["NodeRegistryNoSigners"]);
    }
    const zeros = { forBits: [0n], againstBits: [0n], abstainBits: [0n] };
    const nothing = () => world.governor.castVotesByAggregate(story.id, zeros, G2_INFINITY);
    await refused(story, nothing, ["BitmapMalformed", 1n]);
    await refused(story, () => world.governor.castVotesBySig(story.id, "0x"), INVALID);
  });
});

describe("A ballot that is brought again", () => {
  const pairs = PATHS.flatMap((first) => PATHS.map((second) => [first, second] as const));
  it.each(pairs)("is refused: %s, then %s", async (first, second) => {
    // One node of each support; then each of them with every support, alone and beside a node that may still vote.
    await castAll(first, world, story, [
      [0, Support.against],
      [1, Support.for],
      [2, Support.abstain],
    ]);
    for (const index of [0, 1, 2]) {
      const refusal = votedAlready(second, index, voterOf(world, index).address);
      for (const support of SUPPORTS) {
        const again = [index, support] as const;
        await refused(story, () => castAll(second, world, story, [again]), refusal);
        if (!TOGETHER.includes(second)) continue;
        await refused(story, () => castAll(second, world, story, [again, [3, Support.for]]), refusal);
      }
    }
    await castAll(second, world, story, [[3, Support.for]]);
    expect(await story.votes()).toEqual({ for: 2n, against: 2n, abstain: 1n });
  });

  it.each(PATHS)("is refused with a reason or parameters, after %s", async (path) => {
    const { governor } = world;
    await castAll(path, world, story, [[2, Support.for]]);
    const voter = voterOf(world, 2);
    const signature = await voter.signTypedData(poll.domain, EXTENDED_BALLOT, {
      proposalId: story.id,
      support: Support.against,
      reason: "why",
      params: "0x01",
    });
    const by = governor.connect(voter);
    for (const again of [
      () => by.castVoteWithReason(story.id, Support.against, "why"),
      () => by.castVoteWithReasonAndParams(story.id, Support.against, "why", "0x01"),
      () => governor.castVoteWithReasonAndParamsBySig(story.id, Support.against, voter, "why", "0x01", signature),
    ]) {
      await refused(story, again, ["GovernorAlreadyCastVote", voter.address]);
    }
  });

  it.each([
    ["with a reason", false],
    ["with parameters, signed", true],
  ] as const)("is refused by every path, after one %s", async (_how, signed) => {
    const { governor } = world;
    const voter = voterOf(world, 2);
    if (signed) {
      const words = { proposalId: story.id, support: Support.for, reason: "why", params: "0x01" };
      const signature = await voter.signTypedData(poll.domain, EXTENDED_BALLOT, words);
      await governor.castVoteWithReasonAndParamsBySig(story.id, Support.for, voter, "why", "0x01", signature);
    } else {
      await governor.connect(voter).castVoteWithReason(story.id, Support.for, "why");
    }
    for (const path of PATHS) {
      const again = () => castAll(path, world, story, [[2, Support.against]]);
      await refused(story, again, votedAlready(path, 2, voter.address));
    }
  });

  it("takes all that came with it along", async () => {
    const overlap = ["GovernorBallotsOverlap", 0n, 16n];
    for (const ballots of [{ for: [0, 4] }, { for: [0], against: [4] }, { for: [0, 1], abstain: [2, 4] }]) {
      await refused(story, () => claim(story, ballots, aggregate(poll, ballots)), overlap);
    }
    const entries = [0, 1, 4].map((index) => ({ index, support: Support.for, voter: voterOf(world, index) }));
    const batch = await batchOf(poll, entries);
    await refused(story, () => world.governor.castVotesBySig(story.id, batch), overlap);
  });

  it("takes along once alone: without whoever voted in between, the others' ballots count", async () => {
    // Node 1 has signed with the others, and votes by itself before they are brought.
    const together = { for: [0, 1, 2] };
    const signature = aggregate(poll, together);
    await story.vote(voterOf(world, 1), Support.against);
    await refused(story, () => claim(story, together, signature), ["GovernorBallotsOverlap", 0n, 2n]);
    await claim(story, { for: [0, 2] }, aggregate(poll, { for: [0, 2] }));
    expect(await story.votes()).toEqual({ for: 2n, against: 2n, abstain: 0n });
  });

  it("is refused as the same aggregate, and as one that overlaps", async () => {
    const first = { for: [0, 1], against: [2] };
    const signature = aggregate(poll, first);
    await claim(story, first, signature);
    await refused(story, () => claim(story, first, signature), ["GovernorBallotsOverlap", 0n, 7n]);
    for (const [ballots, bits] of [
      [{ for: [1, 3] }, 2n],
      [{ against: [0], abstain: [3] }, 1n],
      [{ for: [3], against: [1], abstain: [2] }, 6n],
    ] as const) {
      await refused(story, () => claim(story, ballots, aggregate(poll, ballots)), ["GovernorBallotsOverlap", 0n, bits]);
    }
    await claim(story, { for: [3] }, aggregate(poll, { for: [3] }));
    expect(await story.votes()).toEqual({ for: 3n, against: 2n, abstain: 0n });
  });
});

describe("Out of its time", () => {
  const active = ethers.toBeHex(2, 32);
  const ballots = { for: [0], against: [1] };

  /** That neither an aggregate nor a batch counts in this state. */
  async function closed(of: Story, state: bigint): Promise<void> {
    const refusal = ["GovernorUnexpectedProposalState", of.id, state, active];
    expect(await of.state()).toBe(state);
    const its = await pollOf(world.governor, of.id);
    const batch = await batchOf(its, [{ index: 2, support: Support.for, voter: voterOf(world, 2) }]);
    await refused(of, () => claim(of, ballots, aggregate(its, ballots)), refusal);
    await refused(of, () => world.governor.castVotesBySig(of.id, batch), refusal);
  }

  it("nothing counts before the vote opens, and from the second after the snapshot it does", async () => {
    const { governor, operators } = world;
    const later = new Story(governor, [await flagCall(world, "later")]);
    await later.propose(operators[0]);
    await closed(later, State.pending);
    const its = await pollOf(governor, later.id);
    const snapshot = await governor.proposalSnapshot(later.id);
    await networkHelpers.time.setNextBlockTimestamp(snapshot);
    await refused(later, () => claim(later, ballots, aggregate(its, ballots)), [
      "GovernorUnexpectedProposalState",
      later.id,
      State.pending,
      active,
    ]);
    await passTo(snapshot);
    await networkHelpers.time.setNextBlockTimestamp(snapshot + 1n);
    await claim(later, ballots, aggregate(its, ballots));
    expect(await later.votes()).toEqual({ for: 1n, against: 1n, abstain: 0n });
  });

  it("a ballot counts at the deadline, and nothing after it", async () => {
    const deadline = await world.governor.proposalDeadline(story.id);
    await networkHelpers.time.setNextBlockTimestamp(deadline);
    await claim(story, { for: [3] }, aggregate(poll, { for: [3] }));
    await story.waitForEnd();
    await closed(story, State.defeated);
  });

  it("nothing counts after the fast path, in the queue or once it is done", async () => {
    const enough = { for: [0, 1, 2, 3] };
    await claim(story, enough, aggregate(poll, enough));
    await closed(story, State.succeeded);
    await story.queue();
    await closed(story, State.queued);
    await story.waitForEta();
    await story.execute();
    await closed(story, State.executed);
  });

  it("nothing counts once it is canceled, before or after the start", async () => {
    await story.cancel(world.guardian);
    await closed(story, State.canceled);
    const later = new Story(world.governor, [await flagCall(world, "later")]);
    await later.propose(world.operators[0]);
    await later.cancel(world.guardian);
    await closed(later, State.canceled);
    await later.waitForStart();
    await closed(later, State.canceled);
  });

  it("nothing counts for a proposal that there is not", async () => {
    const { governor } = world;
    const none = { ...poll, proposalId: 12n };
    const refusal = ["GovernorNonexistentProposal", 12n];
    const brought = governor.castVotesByAggregate(12n, signersOf(ballots), aggregate(none, ballots));
    expect(await refusalOf(brought)).toEqual(refusal);
    const batch = await batchOf(none, [{ index: 2, support: Support.for, voter: voterOf(world, 2) }]);
    expect(await refusalOf(governor.castVotesBySig(12n, batch))).toEqual(refusal);
  });
});
