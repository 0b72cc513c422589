import { concat, dataSlice, toBeHex } from "ethers";
import { network } from "hardhat";
import { beforeEach, describe, expect, it } from "vitest";
import { type NodeGovernor, NodeGovernor__factory } from "../../../src/ports/chain/bindings/index.js";
import {
  beginVote,
  castAggregate,
  castAll,
  expectRefused,
  INVALID,
  TOGETHER,
  votedAlready,
} from "../../harness/contracts/attacks.js";
import {
  aggregate,
  BALLOT_PATHS,
  type BallotContext,
  ballotContextOf,
  ballotDigestOf,
  batchOf,
  countOf,
  digestOf,
  type SignerSets,
  secretOfNode,
  signersOf,
} from "../../harness/contracts/ballots.js";
import { contracts, governorEventsOf, openVote, voterOf } from "../../harness/contracts/currentGovernance.js";
import { DEFAULT_TRACKS, deploy, ethers } from "../../harness/contracts/deployGovernance.js";
import { G2_INFINITY, POSSESSION_DOMAIN, sign } from "../../harness/contracts/eip2537.js";
import { flagCall, GovernanceHelper, Support } from "../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../harness/contracts/reverts.js";

const NONE = ethers.ZeroHash;
const SUPPORTS = [Support.against, Support.for, Support.abstain];
const EXTENDED_BALLOT = {
  ExtendedBallot: [
    { name: "proposalId", type: "uint256" },
    { name: "support", type: "uint8" },
    { name: "index", type: "uint32" },
    { name: "reason", type: "string" },
    { name: "params", type: "bytes" },
  ],
};

let proposal: GovernanceHelper;
let context: BallotContext;

/** A vote among five nodes that has begun, in which node 4 has voted Against. */
beforeEach(async () => {
  ({ proposal, context } = await beginVote());
  await proposal.vote(voterOf(4), Support.against);
});

/** `castVotesBySig` with one ballot, signed for `signedFor`. */
async function bringOne(index: number, support: number, signedFor = context): Promise<unknown> {
  const entry = { index, support, voter: voterOf(index) };
  return contracts.governor.castVotesBySig(proposal.id, await batchOf(signedFor, [entry]));
}

describe("What is signed for something else", () => {
  const elsewhere: [string, (context: BallotContext) => BallotContext][] = [
    ["another proposal", (of) => ({ ...of, proposalId: of.proposalId + 1n })],
    ["another chain", (of) => ({ ...of, domain: { ...of.domain, chainId: 1n } })],
    ["another governor", (of) => ({ ...of, domain: { ...of.domain, verifyingContract: ethers.ZeroAddress } })],
    ["another contract by name", (of) => ({ ...of, domain: { ...of.domain, name: "DirectiveRegistry" } })],
    ["another version", (of) => ({ ...of, domain: { ...of.domain, version: "2" } })],
  ];
  it.each(elsewhere)("counts for nothing: %s", async (_what, change) => {
    for (const ballots of [{ for: [0, 1] }, { against: [0] }, { abstain: [0, 2] }, { for: [0], against: [1] }]) {
      await expectRefused(
        proposal,
        () => castAggregate(proposal, ballots, aggregate(change(context), ballots)),
        INVALID,
      );
    }
    for (const support of SUPPORTS) {
      await expectRefused(proposal, () => bringOne(0, support, change(context)), [
        "NodeRegistryInvalidSignatureOf",
        0n,
      ]);
    }
    // The same, signed for this proposal, counts.
    await castAggregate(proposal, { for: [0, 1] }, aggregate(context, { for: [0, 1] }));
    await bringOne(2, Support.for);
    expect(await proposal.votes()).toEqual({ for: 3n, against: 1n, abstain: 0n });
  });

  it("counts for no other proposal that is open", async () => {
    const other = await openVote("another");
    const ballots = { for: [0, 1] };
    await expectRefused(other, () => castAggregate(other, ballots, aggregate(context, ballots)), INVALID);
    await castAggregate(proposal, ballots, aggregate(context, ballots));
  });

  it("counts for no other governor of the same nodes, though the proposal has the same id", async () => {
    const { nodes, timelock, directives, models, parameters } = contracts;
    const wiring = [nodes, timelock, directives, models, parameters, ethers.ZeroAddress, 0, DEFAULT_TRACKS];
    const other = new GovernanceHelper(await deploy<NodeGovernor>("NodeGovernor", wiring), [await flagCall(contracts)]);
    await other.propose(voterOf(0));
    await other.waitForStart();
    expect(other.id).toBe(proposal.id);

    const ballots = { for: [0, 1], abstain: [2] };
    await expectRefused(other, () => castAggregate(other, ballots, aggregate(context, ballots)), INVALID);
    const batch = await batchOf(context, [{ index: 0, support: Support.for, voter: voterOf(0) }]);
    const refusal = ["NodeRegistryInvalidSignatureOf", 0n];
    await expectRefused(other, () => other.governor.castVotesBySig(other.id, batch), refusal);
    await castAggregate(other, ballots, aggregate(await ballotContextOf(other.governor, other.id), ballots));
    await castAggregate(proposal, ballots, aggregate(context, ballots));
  });

  it("counts for no chain that splits off: there the same governor wants another digest signed", async () => {
    const { domain } = context;
    const split = await network.create({ override: { chainId: 1 } });
    await split.networkHelpers.setCode(
      domain.verifyingContract,
      await ethers.provider.getCode(domain.verifyingContract),
    );
    const there = NodeGovernor__factory.connect(domain.verifyingContract, split.ethers.provider);
    for (const support of SUPPORTS) {
      const splitOff = { ...context, domain: { ...domain, chainId: 1n } };
      const digest = await there.aggregateBallotDigest(proposal.id, support);
      expect(digest).not.toBe(await contracts.governor.aggregateBallotDigest(proposal.id, support));
      expect(digest).toBe(digestOf(splitOff, support));
      const own = await there.ballotDigest(proposal.id, support, 3);
      expect(own).not.toBe(await contracts.governor.ballotDigest(proposal.id, support, 3));
      expect(own).toBe(ballotDigestOf(splitOff, support, 3));
    }
  });

  it("counts for no other support", async () => {
    const supports = ["against", "for", "abstain"] as const;
    for (const [signed, signedAs] of supports.entries()) {
      for (const [claimed, claimedAs] of supports.entries()) {
        if (signed === claimed) continue;
        const signature = aggregate(context, { [signedAs]: [0, 1] });
        await expectRefused(proposal, () => castAggregate(proposal, { [claimedAs]: [0, 1] }, signature), INVALID);

        const entry = await batchOf(context, [{ index: 0, support: signed, voter: voterOf(0) }]);
        const relabelled = concat([dataSlice(entry, 0, 4), toBeHex(claimed, 1), dataSlice(entry, 5)]);
        await expectRefused(proposal, () => contracts.governor.castVotesBySig(proposal.id, relabelled), [
          "NodeRegistryInvalidSignatureOf",
          0n,
        ]);
      }
    }
  });

  it("does not change sides between nodes", async () => {
    const signature = aggregate(context, { for: [0], against: [1], abstain: [2] });
    for (const ballots of [
      { for: [1], against: [0], abstain: [2] },
      { for: [0], against: [2], abstain: [1] },
      { for: [2], against: [1], abstain: [0] },
      { for: [0, 2], against: [1] },
      { abstain: [0, 1] },
    ]) {
      await expectRefused(proposal, () => castAggregate(proposal, ballots, signature), INVALID);
    }
    // One that is For and one that is Against are not one that abstains.
    const opposed = aggregate(context, { for: [0], against: [1] });
    for (const abstain of [[0], [1], [0, 1]])
      await expectRefused(proposal, () => castAggregate(proposal, { abstain }, opposed), INVALID);
  });

  it("counts for nothing under the domain of possession proofs", async () => {
    const signature = sign(secretOfNode(0), digestOf(context, Support.for), POSSESSION_DOMAIN);
    await expectRefused(proposal, () => castAggregate(proposal, { for: [0] }, signature), INVALID);
  });
});

describe("A claim that other nodes have signed", () => {
  it("is refused with a bit too many, a bit too few or another bit", async () => {
    const signature = aggregate(context, { for: [0, 1] });
    for (const claimed of [[0, 1, 2], [0, 1, 2, 3], [0], [1], [0, 2], [2, 3]]) {
      await expectRefused(proposal, () => castAggregate(proposal, { for: claimed }, signature), INVALID);
    }
    for (const set of ["against", "abstain"] as const) {
      await expectRefused(proposal, () => castAggregate(proposal, { for: [0, 1], [set]: [2] }, signature), INVALID);
    }
    await castAggregate(proposal, { for: [0, 1] }, signature);
  });

  it("is refused of indices beyond the committee, though their keys have signed", async () => {
    for (const [index, word, bit] of [
      [5, 0n, 1n << 5n],
      [255, 0n, 1n << 255n],
    ] as const) {
      for (const set of ["for", "against", "abstain"]) {
        const ballots = { [set]: [index] };
        await expectRefused(proposal, () => castAggregate(proposal, ballots, aggregate(context, ballots)), [
          "NodeRegistryNotMembers",
          word,
          bit,
        ]);
      }
      const ballots = { for: [0], against: [index] };
      await expectRefused(proposal, () => castAggregate(proposal, ballots, aggregate(context, ballots)), [
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
      await expectRefused(proposal, () => castAggregate(proposal, ballots, aggregate(context, ballots)), [
        "NodeRegistryOverlappingSets",
        0n,
      ]);
    }
  });

  it("is refused of nobody, by every path that takes several", async () => {
    const nothingNew = ["GovernorNothingNew", proposal.id];
    for (const signature of [aggregate(context, { for: [0] }), G2_INFINITY, "0x"]) {
      await expectRefused(proposal, () => castAggregate(proposal, {}, signature), nothingNew);
    }
    const zeros = { forBits: [0n], againstBits: [0n], abstainBits: [0n] };
    const nothing = () => contracts.governor.castVotesByAggregate(proposal.id, zeros, G2_INFINITY);
    await expectRefused(proposal, nothing, nothingNew);
    const none = () => contracts.governor.castVotesBySig(proposal.id, "0x");
    await expectRefused(proposal, none, ["NodeRegistryNoSigners"]);
    // Nor does the registry itself accept a statement that nobody signed.
    const check = (signers: SignerSets) =>
      contracts.nodes.checkAggregate(1, 0, false, signers, NONE, NONE, G2_INFINITY);
    expect(await revertOf(check(signersOf({})))).toEqual(["NodeRegistryNoSigners"]);
    expect(await revertOf(check(zeros))).toEqual(["BitmapMalformed", 1n]);
  });
});

describe("A ballot that is brought again", () => {
  const pairs = BALLOT_PATHS.flatMap((first) => BALLOT_PATHS.map((second) => [first, second] as const));
  it.each(pairs)("counts once: %s, then %s", async (first, second) => {
    // One node of each support; then each of them with every support, alone and all beside a node that may still vote.
    await castAll(first, proposal, [
      [0, Support.against],
      [1, Support.for],
      [2, Support.abstain],
    ]);
    for (const index of [0, 1, 2]) {
      const refusal = votedAlready(second, proposal.id, voterOf(index).address);
      for (const support of SUPPORTS) {
        await expectRefused(proposal, () => castAll(second, proposal, [[index, support]]), refusal);
      }
    }
    const again = TOGETHER.includes(second) ? SUPPORTS.map((support, index) => [index, 2 - support] as const) : [];
    await castAll(second, proposal, [...again, [3, Support.for]]);
    expect(await proposal.votes()).toEqual({ for: 2n, against: 2n, abstain: 1n });
  });

  it.each(BALLOT_PATHS)("is refused with a reason or parameters, after %s", async (path) => {
    const { governor } = contracts;
    await castAll(path, proposal, [[2, Support.for]]);
    const voter = voterOf(2);
    const signature = await voter.signTypedData(context.domain, EXTENDED_BALLOT, {
      proposalId: proposal.id,
      support: Support.against,
      index: 2,
      reason: "why",
      params: "0x01",
    });
    const by = governor.connect(voter);
    for (const again of [
      () => by.castVoteWithReason(proposal.id, Support.against, "why"),
      () => by.castVoteWithReasonAndParams(proposal.id, Support.against, "why", "0x01"),
      () => governor.castVoteWithReasonAndParamsBySig(proposal.id, Support.against, voter, "why", "0x01", signature),
    ]) {
      await expectRefused(proposal, again, ["GovernorAlreadyCastVote", voter.address]);
    }
  });

  it.each([
    ["with a reason", false],
    ["with parameters, signed", true],
  ] as const)("is refused by every path, after one %s", async (_how, signed) => {
    const { governor } = contracts;
    const voter = voterOf(2);
    if (signed) {
      const words = { proposalId: proposal.id, support: Support.for, index: 2, reason: "why", params: "0x01" };
      const signature = await voter.signTypedData(context.domain, EXTENDED_BALLOT, words);
      await governor.castVoteWithReasonAndParamsBySig(proposal.id, Support.for, voter, "why", "0x01", signature);
    } else {
      await governor.connect(voter).castVoteWithReason(proposal.id, Support.for, "why");
    }
    for (const path of BALLOT_PATHS) {
      const again = () => castAll(path, proposal, [[2, Support.against]]);
      await expectRefused(proposal, again, votedAlready(path, proposal.id, voter.address));
    }
  });

  it("takes no other ballot of its aggregate or its list along: they count, and they alone are emitted", async () => {
    const { governor } = contracts;
    const ballots = { for: [0], against: [1], abstain: [4] };
    const signature = aggregate(context, ballots);
    const together = governor.castVotesByAggregate(proposal.id, signersOf(ballots), signature);
    expect(await governorEventsOf(together)).toEqual([["BallotsCounted", proposal.id, [1n], [2n], []]]);
    const entries = [0, 1, 2, 4].map((index) => ({ index, support: Support.for, voter: voterOf(index) }));
    const list = governor.castVotesBySig(proposal.id, await batchOf(context, entries));
    expect(await governorEventsOf(list)).toEqual([["BallotsCounted", proposal.id, [4n], [], []]]);
    expect(await proposal.votes()).toEqual({ for: 2n, against: 2n, abstain: 0n });
  });

  it("is left out where the node voted in between, whatever it signed with the others", async () => {
    const together = { for: [0, 1, 2] };
    const signature = aggregate(context, together);
    await proposal.vote(voterOf(1), Support.against);
    await castAggregate(proposal, together, signature);
    expect(await countOf(contracts.governor, proposal.id, 5)).toEqual({
      ...{ for: 2n, against: 2n, abstain: 0n },
      voted: [0, 1, 2, 4],
    });
  });

  it("still has to be signed: a claim is verified as a whole, the ballots that count already too", async () => {
    await proposal.vote(voterOf(1), Support.for);
    const signature = aggregate(context, { for: [0, 2] });
    for (const claimed of [{ for: [0, 1, 2] }, { for: [0, 2], against: [4] }, { for: [0, 2], abstain: [1] }]) {
      await expectRefused(proposal, () => castAggregate(proposal, claimed, signature), INVALID);
    }
    const unsigned = await batchOf({ ...context, proposalId: 1n }, [{ index: 0, support: 1, voter: voterOf(0) }]);
    await expectRefused(proposal, () => contracts.governor.castVotesBySig(proposal.id, unsigned), [
      "NodeRegistryInvalidSignatureOf",
      0n,
    ]);
    await castAggregate(proposal, { for: [0, 2] }, signature);
  });

  it("is refused as the same aggregate, and counts the rest of one that overlaps", async () => {
    const first = { for: [0, 1], against: [2] };
    const signature = aggregate(context, first);
    await castAggregate(proposal, first, signature);
    const nothingNew = ["GovernorNothingNew", proposal.id];
    await expectRefused(proposal, () => castAggregate(proposal, first, signature), nothingNew);
    for (const ballots of [{ for: [1] }, { against: [0], abstain: [2] }, { for: [2], against: [1], abstain: [0] }]) {
      await expectRefused(proposal, () => castAggregate(proposal, ballots, aggregate(context, ballots)), nothingNew);
    }
    const rest = { for: [3], against: [1], abstain: [2] };
    await castAggregate(proposal, rest, aggregate(context, rest));
    expect(await proposal.votes()).toEqual({ for: 3n, against: 2n, abstain: 0n });
  });
});
