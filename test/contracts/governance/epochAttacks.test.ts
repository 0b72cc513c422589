import type { SecretKey } from "@chainsafe/blst";
import { beforeEach, describe, expect, it } from "vitest";
import {
  castAggregate,
  expectRefused,
  INVALID,
  registryOfTimelock,
  TOGETHER,
  votedAlready,
} from "../../harness/contracts/attacks.js";
import {
  aggregate,
  BALLOT_PATHS,
  type BallotPath,
  type BallotsOfNodes,
  ballotContextOf,
  batchOf,
  castBy,
  secretOfNode,
} from "../../harness/contracts/ballots.js";
import {
  contracts,
  openVote,
  useFreshGovernance,
  useGovernance,
  voterOf,
} from "../../harness/contracts/currentGovernance.js";
import { DEFAULT_TRACKS, deployGovernance, ethers, networkHelpers } from "../../harness/contracts/deployGovernance.js";
import { admissionOf, consented } from "../../harness/contracts/eip2537.js";
import { flagCall, GovernanceHelper, Support } from "../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../harness/contracts/reverts.js";
import { nextAgentOf, removeNodes, rotateAgent } from "../../harness/contracts/seats.js";

const notMember = (index: number) => ["NodeRegistryNotMembers", 0n, 1n << BigInt(index)];

let before: GovernanceHelper;

/** Five nodes, and a vote that began while node `i` had the key `key i`. */
beforeEach(async () => {
  await useFreshGovernance();
  before = await openVote("opened before");
});

/** Retires `index`, whose operator goes on as `newIndex`, by the key of that name. */
async function rotate(index: number, newIndex: number): Promise<void> {
  await rotateAgent(contracts.nodes, index, `key ${newIndex}`);
  // A proposal takes the committee of the second before it.
  await networkHelpers.mine();
}

/** Claims that these ballots are signed, each by the key that `secret` names. */
async function claimBy(
  proposal: GovernanceHelper,
  ballots: BallotsOfNodes,
  secret: (index: number) => SecretKey,
): Promise<unknown> {
  return castAggregate(
    proposal,
    ballots,
    aggregate(await ballotContextOf(contracts.governor, proposal.id), ballots, secret),
  );
}

/** `castVotesBySig` with one ballot For under `index`, which `voter` has signed. */
async function bringOne(proposal: GovernanceHelper, index: number, voter = voterOf(index)): Promise<unknown> {
  const batch = await batchOf(await ballotContextOf(contracts.governor, proposal.id), [
    { index, support: Support.for, voter },
  ]);
  return contracts.governor.castVotesBySig(proposal.id, batch);
}

describe("A node whose key was rotated", () => {
  it.each(BALLOT_PATHS)("votes once on what was opened before and once on what comes after, by %s", async (path) => {
    const { governor } = contracts;
    const voter = voterOf(2);
    await rotate(2, 5);
    const after = await openVote("opened after");
    for (const [proposal, index, other] of [
      [before, 2, 5],
      [after, 5, 2],
    ] as const) {
      // Under the index of the other time it has no vote, with either key.
      for (const secret of [secretOfNode(2), secretOfNode(5)]) {
        await expectRefused(proposal, () => claimBy(proposal, { for: [other] }, () => secret), notMember(other));
        await expectRefused(proposal, () => claimBy(proposal, { for: [2, 5] }, () => secret), notMember(other));
      }
      await expectRefused(proposal, () => bringOne(proposal, other, voter), notMember(other));
      // Under its own only with the key of that index.
      await expectRefused(proposal, () => claimBy(proposal, { for: [index] }, () => secretOfNode(other)), INVALID);
      const ofBoth = aggregate(await ballotContextOf(governor, proposal.id), { for: [2, 5] });
      await expectRefused(proposal, () => castAggregate(proposal, { for: [index] }, ofBoth), INVALID);

      await castBy(path, governor, proposal.id, { index, support: Support.for, voter });
      expect(await proposal.votes()).toEqual({ for: 1n, against: 0n, abstain: 0n });
      for (const again of BALLOT_PATHS) {
        const own = () => castBy(again, governor, proposal.id, { index, support: Support.against, voter });
        await expectRefused(proposal, own, votedAlready(again, proposal.id, voter.address));
      }
      await expectRefused(proposal, () => bringOne(proposal, other, voter), notMember(other));
      await expectRefused(proposal, () => claimBy(proposal, { for: [other] }, secretOfNode), notMember(other));
    }
  });

  it("has in each of three epochs one index and one key that count, and no other pair of them", async () => {
    // A seat has one agent a day, so that these votes last for some.
    const slow = { ...DEFAULT_TRACKS[1], votingPeriod: 3n * 86_400n };
    useGovernance(await deployGovernance({ tracks: DEFAULT_TRACKS.with(1, slow) }));
    before = await openVote("opened before");
    await rotate(2, 5);
    const between = await openVote("opened between");
    await networkHelpers.time.increase(86_400);
    await rotate(5, 6);
    const after = await openVote("opened after");
    const own = [2, 5, 6];
    for (const [i, proposal] of [before, between, after].entries()) {
      for (const index of own) {
        for (const key of own) {
          if (index === own[i] && key === index) continue;
          const refusal = index === own[i] ? INVALID : notMember(index);
          for (const ballots of [{ for: [index] }, { against: [0], abstain: [index] }]) {
            const secret = (of: number) => secretOfNode(of === index ? key : of);
            await expectRefused(proposal, () => claimBy(proposal, ballots, secret), refusal);
          }
        }
      }
      await claimBy(proposal, { against: [0], abstain: [own[i] ?? 0] }, secretOfNode);
      expect(await proposal.votes()).toEqual({ for: 0n, against: 1n, abstain: 1n });
    }
  });

  it("counts by its new key alone where its old one signed before the opening", async () => {
    const calls = [await flagCall(contracts, "signed before")];
    const proposal = await new GovernanceHelper(contracts.governor, calls).withId();
    const early = aggregate(await ballotContextOf(contracts.governor, proposal.id), { for: [0, 2] });
    await rotate(2, 5);
    await proposal.open(voterOf(0));
    await expectRefused(proposal, () => castAggregate(proposal, { for: [0, 2] }, early), notMember(2));
    await expectRefused(proposal, () => castAggregate(proposal, { for: [0, 5] }, early), INVALID);
    await expectRefused(proposal, () => castAggregate(proposal, { for: [0] }, early), INVALID);
    await claimBy(proposal, { for: [0, 5] }, secretOfNode);
  });

  it("keeps its old key in a proposal that is opened within the rotation's own second", async () => {
    const { governor, operators } = contracts;
    const proposal = await new GovernanceHelper(governor, [await flagCall(contracts, "within")]).withId();
    const next = await nextAgentOf(contracts.nodes, 2, "key 5");
    const [targets, values, calldatas] = proposal.operation();
    const gasLimit = 3_000_000;
    await ethers.provider.send("evm_setAutomine", [false]);
    await contracts.nodes.setAgentBySig(next, { gasLimit });
    await governor.connect(operators[2]).propose(targets, values, calldatas, proposal.description, { gasLimit });
    await networkHelpers.mine();
    await ethers.provider.send("evm_setAutomine", [true]);
    await proposal.waitForStart();

    expect((await contracts.nodes.committee(2)).openedAt).toBe((await governor.proposalSnapshot(proposal.id)) - 60n);
    await expectRefused(proposal, () => claimBy(proposal, { for: [5] }, secretOfNode), notMember(5));
    await expectRefused(proposal, () => claimBy(proposal, { for: [2] }, () => secretOfNode(5)), INVALID);
    await claimBy(proposal, { for: [2] }, secretOfNode);
  });
});

describe("A node that was removed", () => {
  it("is not admitted again under a new index, nor is its key with another operator", async () => {
    const registry = await registryOfTimelock();
    const { address } = voterOf(1);
    const [old, fresh] = [admissionOf(address, "key 1"), admissionOf(address, "key 5")];
    const duplicate = ["NodeRegistryDuplicateAccount", address];
    for (const gone of [false, true]) {
      if (gone) await removeNodes(registry, [1]);
      for (const admission of [old, fresh]) {
        await expectRefused(before, () => registry.admit([admission]), duplicate);
        // Nor as the agent of another, or on its own.
        const hidden = admissionOf(contracts.stranger.address, "key 6", { agent: address });
        await expectRefused(before, () => registry.admit([hidden]), duplicate);
      }
      const { peerId } = admissionOf(contracts.stranger.address, "key 6");
      const inherited = consented({ ...admissionOf(contracts.stranger.address, "key 1"), peerId });
      const known = ["NodeRegistryDuplicateKey", ethers.keccak256(inherited.key)];
      await expectRefused(before, () => registry.admit([inherited]), known);
    }
    const rotated = async () => rotateAgent(contracts.nodes, 1, "key 5");
    await expectRefused(before, rotated, ["NodeRegistryNotSeated", address]);
    expect((await contracts.nodes.committee(await contracts.nodes.epoch())).size).toBe(4n);
  });

  it.each(BALLOT_PATHS)(
    "has its one vote on what was opened before, and none on what comes after, by %s",
    async (path) => {
      const { governor } = contracts;
      const voter = voterOf(1);
      await removeNodes(await registryOfTimelock(), [1]);
      await networkHelpers.mine();
      const after = await openVote("opened after");
      const cast = (proposal: GovernanceHelper, by: BallotPath) =>
        castBy(by, governor, proposal.id, { index: 1, support: Support.for, voter });

      await cast(before, path);
      for (const again of BALLOT_PATHS) {
        await expectRefused(before, () => cast(before, again), votedAlready(again, before.id, voter.address));
        await expectRefused(
          after,
          () => cast(after, again),
          TOGETHER.includes(again) ? notMember(1) : ["GovernorNotMember", voter.address, 2n],
        );
      }
      await expectRefused(after, () => claimBy(after, { for: [0], against: [1] }, secretOfNode), notMember(1));
      expect(await before.votes()).toEqual({ for: 1n, against: 0n, abstain: 0n });
    },
  );

  it("leaves the others' sums without its key, in whichever set it would hide", async () => {
    await removeNodes(await registryOfTimelock(), [1]);
    await networkHelpers.mine();
    const after = await openVote("opened after");
    const context = await ballotContextOf(contracts.governor, after.id);
    // Its signature is in the sum, but its index is not claimed.
    for (const [signed, claimed] of [
      [{ for: [0, 1, 2, 3, 4] }, { for: [0, 2, 3, 4] }],
      [{ for: [0, 1, 2] }, { for: [0, 2] }],
      [
        { for: [0], abstain: [1, 2] },
        { for: [0], abstain: [2] },
      ],
      [{ against: [0, 1] }, { against: [0] }],
    ] as const) {
      await expectRefused(after, () => castAggregate(after, claimed, aggregate(context, signed)), INVALID);
    }
    await claimBy(after, { for: [0, 2, 3, 4] }, secretOfNode);
  });
});

describe("A node that was admitted later", () => {
  it.each(BALLOT_PATHS)("has no vote on what was opened before, by %s", async (path) => {
    const { governor, stranger } = contracts;
    await (await registryOfTimelock()).admit([admissionOf(stranger.address, "key 5")]);
    await networkHelpers.mine();
    const after = await openVote("opened after");
    const cast = (proposal: GovernanceHelper) =>
      castBy(path, governor, proposal.id, { index: 5, support: Support.for, voter: stranger });
    await expectRefused(
      before,
      () => cast(before),
      TOGETHER.includes(path) ? notMember(5) : ["GovernorNotMember", stranger.address, 1n],
    );
    for (const ballots of [{ for: [0, 5] }, { for: [0], against: [5] }, { against: [0, 1, 2, 3, 4], abstain: [5] }]) {
      await expectRefused(before, () => claimBy(before, ballots, secretOfNode), notMember(5));
    }
    // Its key in the place of a member's, or on top of one's.
    await expectRefused(before, () => claimBy(before, { for: [4] }, () => secretOfNode(5)), INVALID);
    const context = await ballotContextOf(governor, before.id);
    await expectRefused(
      before,
      () => castAggregate(before, { for: [0, 4] }, aggregate(context, { for: [0, 4, 5] })),
      INVALID,
    );
    await cast(after);
    expect(await after.votes()).toEqual({ for: 1n, against: 0n, abstain: 0n });
  });

  it("has none before it is admitted, though it has signed already", async () => {
    const ballots = { for: [0, 1, 2, 3, 4, 5] };
    const early = aggregate(await ballotContextOf(contracts.governor, before.id), ballots);
    await expectRefused(before, () => castAggregate(before, ballots, early), notMember(5));
    await (await registryOfTimelock()).admit([admissionOf(contracts.stranger.address, "key 5")]);
    await expectRefused(before, () => castAggregate(before, ballots, early), notMember(5));
    expect(await revertOf(contracts.nodes.keyOf(6))).toEqual(["NodeRegistryUnknownNode", 6n]);
  });
});
