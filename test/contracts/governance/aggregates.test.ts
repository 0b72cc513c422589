import { beforeEach, describe, expect, it } from "vitest";
import type { INodeGovernor } from "../../../src/ports/chain/bindings/index.js";
import { admissionOf } from "../libraries/eip2537.js";
import {
  aggregate,
  type Ballots,
  ballotsOf,
  batchOf,
  castBy,
  countOf,
  digestOf,
  PATHS,
  pollOf,
  signersOf,
} from "./aggregates.js";
import { deployWorld, ethers, freshWorld, networkHelpers, type World } from "./setting.js";
import { flagCall, State, Story, Support } from "./story.js";

let world: World;
beforeEach(async () => {
  world = await freshWorld();
});

describe("An aggregate of ballots", () => {
  it("counts all of a committee by one signature, whoever brings it", async () => {
    const { governor, operators, stranger } = world;
    const story = await open();
    const everybody = { for: [0, 1, 2, 3, 4] };
    const events = await bring(story, everybody, governor.connect(stranger));

    expect(events).toEqual([["BallotsCounted", story.id, [31n], [], []]]);
    expect(await count(story)).toEqual({ for: 5n, against: 0n, abstain: 0n, voted: [0, 1, 2, 3, 4] });
    for (const operator of operators) expect(await governor.hasVoted(story.id, operator)).toBe(true);
    expect(await governor.hasVoted(story.id, stranger)).toBe(false);
    expect(await story.state()).toBe(State.succeeded);
  });

  it("carries For, Against and Abstain at once", async () => {
    const { governor, operators } = world;
    const story = await open();
    const events = await bring(story, { for: [0, 3], against: [1], abstain: [4] });

    expect(events).toEqual([["BallotsCounted", story.id, [9n], [2n], [16n]]]);
    expect(await count(story)).toEqual({ for: 2n, against: 1n, abstain: 1n, voted: [0, 1, 3, 4] });
    const voted = await Promise.all(operators.map((operator) => governor.hasVoted(story.id, operator)));
    expect(voted).toEqual([true, true, false, true, true]);
    expect(await story.state()).toBe(State.active);
    await story.waitForEnd();
    expect(await story.state()).toBe(State.succeeded);
  });

  it.each<[string, Ballots, keyof typeof State]>([
    ["nobody but Against", { against: [0, 1, 2, 3, 4] }, "defeated"],
    ["nobody but Abstain", { abstain: [0, 1, 2, 3, 4] }, "defeated"],
    ["a tie", { for: [0, 1], against: [2, 3] }, "defeated"],
    ["one For with an abstention for the quorum", { for: [2], abstain: [0] }, "succeeded"],
    ["one For below the quorum", { for: [2] }, "defeated"],
  ])("of %s ends as single ballots would", async (_what, ballots, state) => {
    const story = await open();
    await bring(story, ballots);
    expect(await story.state()).toBe(State.active);
    await story.waitForEnd();
    expect(await story.state()).toBe(State[state]);
  });

  it("may be one of several, until one of them reaches the fast path", async () => {
    const story = await open();
    await bring(story, { for: [4] });
    await bring(story, { against: [0] });
    await bring(story, { for: [1, 3] });
    expect(await count(story)).toEqual({ for: 3n, against: 1n, abstain: 0n, voted: [0, 1, 3, 4] });
    expect(await story.state()).toBe(State.active);
    await bring(story, { for: [2] });
    expect(await count(story)).toEqual({ for: 4n, against: 1n, abstain: 0n, voted: [0, 1, 2, 3, 4] });
    expect(await story.state()).toBe(State.succeeded);
    await story.queue();
    await story.waitForEta();
    await story.execute();
    expect(await story.state()).toBe(State.executed);
  });

  it("may be signed before its proposal is opened", async () => {
    const { governor, operators } = world;
    const story = new Story(governor, [await flagCall(world)]);
    story.id = await governor.hashProposal(...story.operation());
    const ballots = { for: [0, 2], abstain: [1] };
    const signature = aggregate(await pollOf(governor, story.id), ballots);
    await story.propose(operators[0]);
    await story.waitForStart();
    await governor.castVotesByAggregate(story.id, signersOf(ballots), signature);
    expect(await count(story)).toEqual({ for: 2n, against: 0n, abstain: 1n, voted: [0, 1, 2] });
  });

  it("signs the digest that the contract names", async () => {
    const poll = await pollOf(world.governor, 12n);
    for (const support of [0, 1, 2]) {
      expect(await world.governor.ballotDigest(12n, support)).toBe(digestOf(poll, support));
    }
  });

  it("is of one node where there is one", async () => {
    world = await deployWorld({ size: 1 });
    const story = await open();
    await bring(story, { for: [0] });
    expect(await count(story)).toEqual({ for: 1n, against: 0n, abstain: 0n, voted: [0] });
    expect(await story.state()).toBe(State.succeeded);
  });
});

describe("A batch of ballots", () => {
  it("counts what operators have signed side by side, whoever brings it", async () => {
    const { governor, stranger } = world;
    const story = await open();
    const events = await eventsOf(
      governor
        .connect(stranger)
        .castVotesBySig(story.id, await batch(story, { for: [0, 4], against: [1], abstain: [3] })),
    );
    expect(events).toEqual([["BallotsCounted", story.id, [17n], [2n], [8n]]]);
    expect(await count(story)).toEqual({ for: 2n, against: 1n, abstain: 1n, voted: [0, 1, 3, 4] });
    await governor.castVotesBySig(story.id, await batch(story, { for: [2] }));
    expect(await count(story)).toEqual({ for: 3n, against: 1n, abstain: 1n, voted: [0, 1, 2, 3, 4] });
  });

  it("of one support leaves the other sets empty", async () => {
    for (const [support, words] of [
      ["against", [[], [6n], []]],
      ["for", [[6n], [], []]],
      ["abstain", [[], [], [6n]]],
    ] as const) {
      const story = await open(support);
      const events = await eventsOf(world.governor.castVotesBySig(story.id, await batch(story, { [support]: [1, 2] })));
      expect(events).toEqual([["BallotsCounted", story.id, ...words]]);
      expect(await count(story)).toEqual({ for: 0n, against: 0n, abstain: 0n, [support]: 2n, voted: [1, 2] });
    }
  });

  it("ends the vote when it reaches the fast path", async () => {
    const story = await open();
    await world.governor.castVotesBySig(story.id, await batch(story, { for: [0, 1, 2, 4] }));
    expect(await story.state()).toBe(State.succeeded);
  });
});

describe("Ballots by different paths", () => {
  it("add up to one tally", async () => {
    const { governor } = world;
    const story = await open();
    for (const [index, path] of PATHS.entries()) {
      const support = [Support.for, Support.against, Support.abstain, Support.for][index] ?? 0;
      await castBy(path, governor, story.id, { index, support, voter: voter(index) });
    }
    expect(await count(story)).toEqual({ for: 2n, against: 1n, abstain: 1n, voted: [0, 1, 2, 3] });
    await story.vote(voter(4), Support.for);
    expect(await count(story)).toEqual({ for: 3n, against: 1n, abstain: 1n, voted: [0, 1, 2, 3, 4] });
  });

  it.each(PATHS)("let %s reach the fast path", async (path) => {
    const story = await open();
    await bring(story, { for: [0, 1] });
    await world.governor.castVotesBySig(story.id, await batch(story, { for: [2] }));
    expect(await story.state()).toBe(State.active);
    await castBy(path, world.governor, story.id, { index: 3, support: Support.for, voter: voter(3) });
    expect(await story.state()).toBe(State.succeeded);
  });

  it("count on one proposal and not on another", async () => {
    const [first, second] = [await open("a"), await open("b")];
    await bring(first, { for: [0, 1] });
    await bring(second, { against: [0, 2] });
    expect(await count(first)).toEqual({ for: 2n, against: 0n, abstain: 0n, voted: [0, 1] });
    expect(await count(second)).toEqual({ for: 0n, against: 2n, abstain: 0n, voted: [0, 2] });
  });
});

describe("A committee that changes", () => {
  /** Node 1 leaves, node 2 comes again as node 5, another joins as node 6. */
  async function change(): Promise<void> {
    const { nodes, stranger } = world;
    const registry = nodes.connect(await timelockOf(world));
    const fresh = admissionOf(voter(2).address, "key 5");
    await registry.remove([1]);
    await registry.rotateKey(2, fresh.key, fresh.possession);
    await registry.admit([admissionOf(stranger.address, "key 6")]);
    await networkHelpers.mine();
  }

  it("goes on as it was for a proposal that was open", async () => {
    const { governor, stranger } = world;
    const story = await open();
    await change();
    await bring(story, { for: [1], against: [2], abstain: [3] });
    await governor.castVotesBySig(story.id, await batch(story, { against: [0], for: [4] }));
    expect(await count(story, 7)).toEqual({ for: 2n, against: 2n, abstain: 1n, voted: [0, 1, 2, 3, 4] });
    for (const operator of world.operators) expect(await governor.hasVoted(story.id, operator)).toBe(true);
    expect(await governor.hasVoted(story.id, stranger)).toBe(false);
  });

  it("is the new one for a proposal that is opened later", async () => {
    const { governor, stranger, nodes } = world;
    await change();
    const story = await open();
    expect(await nodes.memberBits(await nodes.epoch())).toEqual([0b1111001n]);
    await bring(story, { for: [0, 5], against: [6] });
    await governor.castVotesBySig(
      story.id,
      await batchOf(await pollOf(governor, story.id), [{ index: 3, support: Support.abstain, voter: voter(3) }]),
    );
    expect(await count(story, 7)).toEqual({ for: 2n, against: 1n, abstain: 1n, voted: [0, 3, 5, 6] });
    expect(await governor.hasVoted(story.id, voter(2))).toBe(true);
    expect(await governor.hasVoted(story.id, stranger)).toBe(true);
    expect(await governor.hasVoted(story.id, voter(1))).toBe(false);
    await bring(story, { for: [4] });
    expect((await governor.proposalRules(story.id)).committeeSize).toBe(5n);
  });

  it("counts a rotated node's account under its new index", async () => {
    await change();
    const story = await open();
    const poll = await pollOf(world.governor, story.id);
    await world.governor.castVotesBySig(story.id, await batchOf(poll, [{ index: 5, support: 1, voter: voter(2) }]));
    expect(await count(story, 7)).toEqual({ for: 1n, against: 0n, abstain: 0n, voted: [5] });
  });

  it("gives every split of its nodes the sums of just those keys", async () => {
    // Four nodes before and after, of which each is For, Against, abstains or does not vote: all 255 ways.
    world = await deployWorld({ size: 4 });
    const { nodes } = world;
    const before = await nodes.epoch();
    const fresh = admissionOf(voter(2).address, "key 4");
    const registry = nodes.connect(await timelockOf(world));
    await registry.rotateKey(2, fresh.key, fresh.possession);
    await registry.admit([admissionOf(world.stranger.address, "key 5")]);
    await registry.remove([0]);
    const poll = await pollOf(world.governor, 1n);
    for (const [epoch, members] of [
      [before, [0, 1, 2, 3]],
      [await nodes.epoch(), [1, 3, 4, 5]],
    ] as const) {
      for (let split = 1; split < 256; split++) {
        const ballots = ballotsOf(members.map((index, i) => [index, ((split >> (2 * i)) & 3) - 1] as const));
        const signers = signersOf(ballots);
        const digests = [digestOf(poll, 1), digestOf(poll, 0)] as const;
        const counts = await nodes.checkAggregate(epoch, signers, ...digests, aggregate(poll, ballots));
        const sizes = [ballots.for, ballots.against, ballots.abstain].map(({ length }) => BigInt(length));
        expect([...counts]).toEqual(sizes);
      }
    }
  });
});

function voter(index: number) {
  const found = world.operators[index];
  if (!found) throw new Error(`there is no node ${index}`);
  return found;
}

/** A proposal of Operations whose vote has begun. */
async function open(name = "learning.enabled"): Promise<Story> {
  const story = new Story(world.governor, [await flagCall(world, name)]);
  await story.propose(world.operators[0]);
  await story.waitForStart();
  return story;
}

async function bring(story: Story, ballots: Ballots, governor: INodeGovernor = world.governor): Promise<unknown[][]> {
  const signature = aggregate(await pollOf(governor, story.id), ballots);
  return eventsOf(governor.castVotesByAggregate(story.id, signersOf(ballots), signature));
}

/** In the order of the indices. */
async function batch(story: Story, ballots: Ballots): Promise<string> {
  const entries = [ballots.against, ballots.for, ballots.abstain].flatMap((indices = [], support) =>
    indices.map((index) => ({ index, support, voter: voter(index) })),
  );
  entries.sort((a, b) => a.index - b.index);
  return batchOf(await pollOf(world.governor, story.id), entries);
}

async function count(story: Story, bound = world.operators.length) {
  return countOf(world.governor, story.id, bound);
}

/** The timelock's own account. */
async function timelockOf({ timelock }: World) {
  const address = await timelock.getAddress();
  await networkHelpers.impersonateAccount(address);
  await networkHelpers.setBalance(address, ethers.parseEther("10"));
  return ethers.getSigner(address);
}

async function eventsOf(sent: Promise<{ wait(): Promise<{ logs: readonly unknown[] } | null> }>): Promise<unknown[][]> {
  const receipt = await (await sent).wait();
  return (receipt?.logs ?? []).map((log) => {
    const event = world.governor.interface.parseLog(log as { topics: string[]; data: string });
    return [event?.name, ...(event?.args.toArray(true) ?? [])];
  });
}
