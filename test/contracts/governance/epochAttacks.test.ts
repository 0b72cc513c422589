import type { SecretKey } from "@chainsafe/blst";
import { beforeEach, describe, expect, it } from "vitest";
import { admissionOf } from "../libraries/eip2537.js";
import {
  aggregate,
  type Ballots,
  batchOf,
  castBy,
  PATHS,
  type Path,
  pollOf,
  refusalOf,
  secretOfNode,
} from "./aggregates.js";
import { claim, INVALID, opened, refused, registryOfTimelock, TOGETHER, votedAlready, voterOf } from "./attacks.js";
import { ethers, freshWorld, networkHelpers, type World } from "./setting.js";
import { flagCall, Story, Support } from "./story.js";

const notMember = (index: number) => ["NodeRegistryNotMembers", 0n, 1n << BigInt(index)];

let world: World;
let before: Story;

/** Five nodes, and a vote that began while node `i` had the key `key i`. */
beforeEach(async () => {
  world = await freshWorld();
  before = await opened(world, "opened before");
});

/** Retires `index`, whose operator goes on as `newIndex`, by the key of that name. */
async function rotate(index: number, newIndex: number, operator = voterOf(world, index).address): Promise<void> {
  const { key, possession } = admissionOf(operator, `key ${newIndex}`);
  await (await registryOfTimelock(world)).rotateKey(index, key, possession);
  // The committee that votes is that of an earlier second.
  await networkHelpers.mine();
}

/** Claims that these ballots are signed, each by the key that `secret` names. */
async function claimBy(story: Story, ballots: Ballots, secret: (index: number) => SecretKey): Promise<unknown> {
  return claim(story, ballots, aggregate(await pollOf(world.governor, story.id), ballots, secret));
}

/** `castVotesBySig` with one ballot For under `index`, which `voter` has signed. */
async function bringOne(story: Story, index: number, voter = voterOf(world, index)): Promise<unknown> {
  const batch = await batchOf(await pollOf(world.governor, story.id), [{ index, support: Support.for, voter }]);
  return world.governor.castVotesBySig(story.id, batch);
}

describe("A node whose key was rotated", () => {
  it.each(PATHS)("votes once on what was opened before and once on what comes after, by %s", async (path) => {
    const { governor } = world;
    const voter = voterOf(world, 2);
    await rotate(2, 5);
    const after = await opened(world, "opened after");
    for (const [story, index, other] of [
      [before, 2, 5],
      [after, 5, 2],
    ] as const) {
      // Under the index of the other time it has no vote, with either key.
      for (const secret of [secretOfNode(2), secretOfNode(5)]) {
        await refused(story, () => claimBy(story, { for: [other] }, () => secret), notMember(other));
        await refused(story, () => claimBy(story, { for: [2, 5] }, () => secret), notMember(other));
      }
      await refused(story, () => bringOne(story, other, voter), notMember(other));
      // Under its own only with the key of that index.
      await refused(story, () => claimBy(story, { for: [index] }, () => secretOfNode(other)), INVALID);
      const ofBoth = aggregate(await pollOf(governor, story.id), { for: [2, 5] });
      await refused(story, () => claim(story, { for: [index] }, ofBoth), INVALID);

      await castBy(path, governor, story.id, { index, support: Support.for, voter });
      expect(await story.votes()).toEqual({ for: 1n, against: 0n, abstain: 0n });
      for (const again of PATHS) {
        const own = () => castBy(again, governor, story.id, { index, support: Support.against, voter });
        await refused(story, own, votedAlready(again, index, voter.address));
      }
      await refused(story, () => bringOne(story, other, voter), notMember(other));
      await refused(story, () => claimBy(story, { for: [other] }, secretOfNode), notMember(other));
    }
  });

  it("has in each of three epochs one index and one key that count, and no other pair of them", async () => {
    await rotate(2, 5);
    const between = await opened(world, "opened between");
    await rotate(5, 6, voterOf(world, 2).address);
    const after = await opened(world, "opened after");
    const own = [2, 5, 6];
    for (const [i, story] of [before, between, after].entries()) {
      for (const index of own) {
        for (const key of own) {
          if (index === own[i] && key === index) continue;
          const refusal = index === own[i] ? INVALID : notMember(index);
          for (const ballots of [{ for: [index] }, { against: [0], abstain: [index] }]) {
            const secret = (of: number) => secretOfNode(of === index ? key : of);
            await refused(story, () => claimBy(story, ballots, secret), refusal);
          }
        }
      }
      await claimBy(story, { against: [0], abstain: [own[i] ?? 0] }, secretOfNode);
      expect(await story.votes()).toEqual({ for: 0n, against: 1n, abstain: 1n });
    }
  });

  it("counts by its new key alone where its old one signed before the opening", async () => {
    const story = new Story(world.governor, [await flagCall(world, "signed before")]);
    story.id = await world.governor.hashProposal(...story.operation());
    const early = aggregate(await pollOf(world.governor, story.id), { for: [0, 2] });
    await rotate(2, 5);
    await story.propose(voterOf(world, 0));
    await story.waitForStart();
    await refused(story, () => claim(story, { for: [0, 2] }, early), notMember(2));
    await refused(story, () => claim(story, { for: [0, 5] }, early), INVALID);
    await refused(story, () => claim(story, { for: [0] }, early), INVALID);
    await claimBy(story, { for: [0, 5] }, secretOfNode);
  });

  it("keeps its old key in a proposal that is opened within the rotation's own second", async () => {
    const { governor, operators } = world;
    const story = new Story(governor, [await flagCall(world, "within")]);
    const registry = await registryOfTimelock(world);
    const { key, possession } = admissionOf(voterOf(world, 2).address, "key 5");
    const [targets, values, calldatas] = story.operation();
    const gasLimit = 3_000_000;
    await ethers.provider.send("evm_setAutomine", [false]);
    await registry.rotateKey(2, key, possession, { gasLimit });
    await governor.connect(operators[2]).propose(targets, values, calldatas, story.description, { gasLimit });
    await networkHelpers.mine();
    await ethers.provider.send("evm_setAutomine", [true]);
    story.id = await governor.hashProposal(...story.operation());
    await story.waitForStart();

    expect((await world.nodes.committee(2)).openedAt).toBe((await governor.proposalSnapshot(story.id)) - 60n);
    await refused(story, () => claimBy(story, { for: [5] }, secretOfNode), notMember(5));
    await refused(story, () => claimBy(story, { for: [2] }, () => secretOfNode(5)), INVALID);
    await claimBy(story, { for: [2] }, secretOfNode);
  });
});

describe("A node that was removed", () => {
  it("is not admitted again under a new index, nor is its key in other hands", async () => {
    const registry = await registryOfTimelock(world);
    const { address } = voterOf(world, 1);
    const [old, fresh] = [admissionOf(address, "key 1"), admissionOf(address, "key 5")];
    const duplicate = ["NodeRegistryDuplicateOperator", address];
    for (const gone of [false, true]) {
      if (gone) await registry.remove([1]);
      for (const admission of [old, fresh]) {
        await refused(before, () => registry.admit([admission]), duplicate);
        await refused(
          before,
          () => registry.admit([admissionOf(world.stranger.address, "key 6"), admission]),
          duplicate,
        );
      }
      const inherited = admissionOf(world.stranger.address, "key 1");
      const known = ["NodeRegistryDuplicateKey", ethers.keccak256(inherited.key)];
      await refused(before, () => registry.admit([inherited]), known);
    }
    const rotated = () => registry.rotateKey(1, fresh.key, fresh.possession);
    await refused(before, rotated, ["NodeRegistryNotMember", address, 3n]);
    expect((await world.nodes.committee(await world.nodes.epoch())).size).toBe(4n);
  });

  it.each(PATHS)("has its one vote on what was opened before, and none on what comes after, by %s", async (path) => {
    const { governor } = world;
    const voter = voterOf(world, 1);
    await (await registryOfTimelock(world)).remove([1]);
    await networkHelpers.mine();
    const after = await opened(world, "opened after");
    const cast = (story: Story, by: Path) => castBy(by, governor, story.id, { index: 1, support: Support.for, voter });

    await cast(before, path);
    for (const again of PATHS) {
      await refused(before, () => cast(before, again), votedAlready(again, 1, voter.address));
      await refused(
        after,
        () => cast(after, again),
        TOGETHER.includes(again) ? notMember(1) : ["GovernorNotMember", voter.address, 2n],
      );
    }
    await refused(after, () => claimBy(after, { for: [0], against: [1] }, secretOfNode), notMember(1));
    expect(await before.votes()).toEqual({ for: 1n, against: 0n, abstain: 0n });
  });

  it("leaves the others' sums without its key, in whichever set it would hide", async () => {
    await (await registryOfTimelock(world)).remove([1]);
    await networkHelpers.mine();
    const after = await opened(world, "opened after");
    const poll = await pollOf(world.governor, after.id);
    // Its signature is among them, and nobody says so.
    for (const [signed, claimed] of [
      [{ for: [0, 1, 2, 3, 4] }, { for: [0, 2, 3, 4] }],
      [{ for: [0, 1, 2] }, { for: [0, 2] }],
      [
        { for: [0], abstain: [1, 2] },
        { for: [0], abstain: [2] },
      ],
      [{ against: [0, 1] }, { against: [0] }],
    ] as const) {
      await refused(after, () => claim(after, claimed, aggregate(poll, signed)), INVALID);
    }
    await claimBy(after, { for: [0, 2, 3, 4] }, secretOfNode);
  });
});

describe("A node that was admitted later", () => {
  it.each(PATHS)("has no vote on what was opened before, by %s", async (path) => {
    const { governor, stranger } = world;
    await (await registryOfTimelock(world)).admit([admissionOf(stranger.address, "key 5")]);
    await networkHelpers.mine();
    const after = await opened(world, "opened after");
    const cast = (story: Story) =>
      castBy(path, governor, story.id, { index: 5, support: Support.for, voter: stranger });
    await refused(
      before,
      () => cast(before),
      TOGETHER.includes(path) ? notMember(5) : ["GovernorNotMember", stranger.address, 1n],
    );
    for (const ballots of [{ for: [0, 5] }, { for: [0], against: [5] }, { against: [0, 1, 2, 3, 4], abstain: [5] }]) {
      await refused(before, () => claimBy(before, ballots, secretOfNode), notMember(5));
    }
    // Its key in the place of a member's, or on top of one's.
    await refused(before, () => claimBy(before, { for: [4] }, () => secretOfNode(5)), INVALID);
    const poll = await pollOf(governor, before.id);
    await refused(before, () => claim(before, { for: [0, 4] }, aggregate(poll, { for: [0, 4, 5] })), INVALID);
    await cast(after);
    expect(await after.votes()).toEqual({ for: 1n, against: 0n, abstain: 0n });
  });

  it("has none before it is admitted, though it has signed already", async () => {
    const ballots = { for: [0, 1, 2, 3, 4, 5] };
    const early = aggregate(await pollOf(world.governor, before.id), ballots);
    await refused(before, () => claim(before, ballots, early), notMember(5));
    await (await registryOfTimelock(world)).admit([admissionOf(world.stranger.address, "key 5")]);
    await refused(before, () => claim(before, ballots, early), notMember(5));
    expect(await refusalOf(world.nodes.keyOf(6))).toEqual(["NodeRegistryUnknownNode", 6n]);
  });
});
