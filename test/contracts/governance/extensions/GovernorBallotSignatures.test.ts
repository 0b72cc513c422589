import { beforeEach, describe, expect, it } from "vitest";
import type { INodeGovernor } from "../../../../src/ports/chain/bindings/index.js";
import {
  aggregate,
  BALLOT_PATHS,
  type BallotsOfNodes,
  ballotContextOf,
  ballotDigestOf,
  ballotsOf,
  batchOf,
  castBy,
  countOf,
  digestOf,
  signersOf,
} from "../../../harness/contracts/ballots.js";
import {
  contracts,
  governorEventsOf,
  openVote,
  useFreshGovernance,
  useGovernance,
  voterOf,
} from "../../../harness/contracts/currentGovernance.js";
import { deployGovernance, networkHelpers, timelockSigner } from "../../../harness/contracts/deployGovernance.js";
import { admissionOf } from "../../../harness/contracts/eip2537.js";
import { flagCall, GovernanceHelper, State, Support } from "../../../harness/contracts/governanceHelper.js";
import { removeNodes, rotateAgent } from "../../../harness/contracts/seats.js";
import { shortOrLong } from "../../../harness/soak.js";

beforeEach(useFreshGovernance);

describe("An aggregate of ballots", () => {
  it("counts all of a committee by one signature, sent by any account", async () => {
    const { governor, operators, stranger } = contracts;
    const proposal = await openVote();
    const everybody = { for: [0, 1, 2, 3, 4] };
    const events = await bring(proposal, everybody, governor.connect(stranger));

    expect(events).toEqual([["BallotsCounted", proposal.id, [31n], [], []]]);
    expect(await count(proposal)).toEqual({ for: 5n, against: 0n, abstain: 0n, voted: [0, 1, 2, 3, 4] });
    for (const operator of operators) expect(await governor.hasVoted(proposal.id, operator)).toBe(true);
    expect(await governor.hasVoted(proposal.id, stranger)).toBe(false);
    expect(await proposal.state()).toBe(State.succeeded);
  });

  it("carries For, Against and Abstain at once", async () => {
    const { governor, operators } = contracts;
    const proposal = await openVote();
    const events = await bring(proposal, { for: [0, 3], against: [1], abstain: [4] });

    expect(events).toEqual([["BallotsCounted", proposal.id, [9n], [2n], [16n]]]);
    expect(await count(proposal)).toEqual({ for: 2n, against: 1n, abstain: 1n, voted: [0, 1, 3, 4] });
    const voted = await Promise.all(operators.map((operator) => governor.hasVoted(proposal.id, operator)));
    expect(voted).toEqual([true, true, false, true, true]);
    expect(await proposal.state()).toBe(State.active);
    await proposal.waitForEnd();
    expect(await proposal.state()).toBe(State.succeeded);
  });

  it.each<[string, BallotsOfNodes, keyof typeof State]>([
    ["nobody but Against", { against: [0, 1, 2, 3, 4] }, "defeated"],
    ["nobody but Abstain", { abstain: [0, 1, 2, 3, 4] }, "defeated"],
    ["a tie", { for: [0, 1], against: [2, 3] }, "defeated"],
    ["one For with abstentions, which are no quorum", { for: [2], abstain: [0, 1, 3, 4] }, "defeated"],
    ["two For with an abstention", { for: [2, 3], abstain: [0] }, "succeeded"],
    ["one For below the quorum", { for: [2] }, "defeated"],
  ])("of %s ends as single ballots would", async (_what, ballots, state) => {
    const proposal = await openVote();
    await bring(proposal, ballots);
    expect(await proposal.state()).toBe(State.active);
    await proposal.waitForEnd();
    expect(await proposal.state()).toBe(State[state]);
  });

  it("may be one of several, until one of them reaches the fast path", async () => {
    const proposal = await openVote();
    await bring(proposal, { for: [4] });
    await bring(proposal, { against: [0] });
    await bring(proposal, { for: [1, 3] });
    expect(await count(proposal)).toEqual({ for: 3n, against: 1n, abstain: 0n, voted: [0, 1, 3, 4] });
    expect(await proposal.state()).toBe(State.active);
    await bring(proposal, { for: [2] });
    expect(await count(proposal)).toEqual({ for: 4n, against: 1n, abstain: 0n, voted: [0, 1, 2, 3, 4] });
    expect(await proposal.state()).toBe(State.succeeded);
    await proposal.enact();
    expect(await proposal.state()).toBe(State.executed);
  });

  it("may be signed before its proposal is opened", async () => {
    const { governor, operators } = contracts;
    const proposal = await new GovernanceHelper(governor, [await flagCall(contracts)]).withId();
    const ballots = { for: [0, 2], abstain: [1] };
    const signature = aggregate(await ballotContextOf(governor, proposal.id), ballots);
    await proposal.open(operators[0]);
    await governor.castVotesByAggregate(proposal.id, signersOf(ballots), signature);
    expect(await count(proposal)).toEqual({ for: 2n, against: 0n, abstain: 1n, voted: [0, 1, 2] });
  });

  it("signs the digest that the contract names", async () => {
    const context = await ballotContextOf(contracts.governor, 12n);
    for (const support of [0, 1, 2]) {
      expect(await contracts.governor.aggregateBallotDigest(12n, support)).toBe(digestOf(context, support));
      for (const index of [0, 7, 2 ** 32 - 1]) {
        const digest = await contracts.governor.ballotDigest(12n, support, index);
        expect(digest).toBe(ballotDigestOf(context, support, index));
      }
    }
  });

  it("is of one node where there is one", async () => {
    useGovernance(await deployGovernance({ size: 1 }));
    const proposal = await openVote();
    await bring(proposal, { for: [0] });
    expect(await count(proposal)).toEqual({ for: 1n, against: 0n, abstain: 0n, voted: [0] });
    expect(await proposal.state()).toBe(State.succeeded);
  });
});

describe("A batch of ballots", () => {
  it("counts signatures of several operators, sent by any account", async () => {
    const { governor, stranger } = contracts;
    const proposal = await openVote();
    const events = await governorEventsOf(
      governor
        .connect(stranger)
        .castVotesBySig(proposal.id, await batch(proposal, { for: [0, 4], against: [1], abstain: [3] })),
    );
    expect(events).toEqual([["BallotsCounted", proposal.id, [17n], [2n], [8n]]]);
    expect(await count(proposal)).toEqual({ for: 2n, against: 1n, abstain: 1n, voted: [0, 1, 3, 4] });
    await governor.castVotesBySig(proposal.id, await batch(proposal, { for: [2] }));
    expect(await count(proposal)).toEqual({ for: 3n, against: 1n, abstain: 1n, voted: [0, 1, 2, 3, 4] });
  });

  it("of one support leaves the other sets empty", async () => {
    for (const [support, words] of [
      ["against", [[], [6n], []]],
      ["for", [[6n], [], []]],
      ["abstain", [[], [], [6n]]],
    ] as const) {
      const proposal = await openVote(support);
      const events = await governorEventsOf(
        contracts.governor.castVotesBySig(proposal.id, await batch(proposal, { [support]: [1, 2] })),
      );
      expect(events).toEqual([["BallotsCounted", proposal.id, ...words]]);
      expect(await count(proposal)).toEqual({ for: 0n, against: 0n, abstain: 0n, [support]: 2n, voted: [1, 2] });
    }
  });

  it("ends the vote when it reaches the fast path", async () => {
    const proposal = await openVote();
    await contracts.governor.castVotesBySig(proposal.id, await batch(proposal, { for: [0, 1, 2, 4] }));
    expect(await proposal.state()).toBe(State.succeeded);
  });
});

describe("Ballots by different paths", () => {
  it("add up to one tally", async () => {
    const { governor } = contracts;
    const proposal = await openVote();
    for (const [index, path] of BALLOT_PATHS.entries()) {
      const support = [Support.for, Support.against, Support.abstain, Support.for][index] ?? 0;
      await castBy(path, governor, proposal.id, { index, support, voter: voterOf(index) });
    }
    expect(await count(proposal)).toEqual({ for: 2n, against: 1n, abstain: 1n, voted: [0, 1, 2, 3] });
    await proposal.vote(voterOf(4), Support.for);
    expect(await count(proposal)).toEqual({ for: 3n, against: 1n, abstain: 1n, voted: [0, 1, 2, 3, 4] });
  });

  it.each(BALLOT_PATHS)("let %s reach the fast path", async (path) => {
    const proposal = await openVote();
    await bring(proposal, { for: [0, 1] });
    await contracts.governor.castVotesBySig(proposal.id, await batch(proposal, { for: [2] }));
    expect(await proposal.state()).toBe(State.active);
    await castBy(path, contracts.governor, proposal.id, { index: 3, support: Support.for, voter: voterOf(3) });
    expect(await proposal.state()).toBe(State.succeeded);
  });

  it("count on one proposal and not on another", async () => {
    const [first, second] = [await openVote("a"), await openVote("b")];
    await bring(first, { for: [0, 1] });
    await bring(second, { against: [0, 2] });
    expect(await count(first)).toEqual({ for: 2n, against: 0n, abstain: 0n, voted: [0, 1] });
    expect(await count(second)).toEqual({ for: 0n, against: 2n, abstain: 0n, voted: [0, 2] });
  });
});

describe("A committee that changes", () => {
  /** Node 1 leaves, node 2 comes again as node 5, another joins as node 6. */
  async function change(): Promise<void> {
    const { nodes, stranger } = contracts;
    const registry = nodes.connect(await timelockSigner(contracts));
    await removeNodes(registry, [1]);
    await rotateAgent(registry, 2, "key 5");
    await registry.admit([admissionOf(stranger.address, "key 6")]);
    await networkHelpers.mine();
  }

  it("goes on as it was for a proposal that was open", async () => {
    const { governor, stranger } = contracts;
    const proposal = await openVote();
    await change();
    await bring(proposal, { for: [1], against: [2], abstain: [3] });
    await governor.castVotesBySig(proposal.id, await batch(proposal, { against: [0], for: [4] }));
    expect(await count(proposal, 7)).toEqual({ for: 2n, against: 2n, abstain: 1n, voted: [0, 1, 2, 3, 4] });
    for (const operator of contracts.operators) expect(await governor.hasVoted(proposal.id, operator)).toBe(true);
    expect(await governor.hasVoted(proposal.id, stranger)).toBe(false);
  });

  it("is the new one for a proposal that is opened later", async () => {
    const { governor, stranger, nodes } = contracts;
    await change();
    const proposal = await openVote();
    expect(await nodes.memberBits(await nodes.epoch())).toEqual([0b1111001n]);
    await bring(proposal, { for: [0, 5], against: [6] });
    await governor.castVotesBySig(
      proposal.id,
      await batchOf(await ballotContextOf(governor, proposal.id), [
        { index: 3, support: Support.abstain, voter: voterOf(3) },
      ]),
    );
    expect(await count(proposal, 7)).toEqual({ for: 2n, against: 1n, abstain: 1n, voted: [0, 3, 5, 6] });
    expect(await governor.hasVoted(proposal.id, voterOf(2))).toBe(true);
    expect(await governor.hasVoted(proposal.id, stranger)).toBe(true);
    expect(await governor.hasVoted(proposal.id, voterOf(1))).toBe(false);
    await bring(proposal, { for: [4] });
    expect((await governor.proposalRules(proposal.id)).committeeSize).toBe(5n);
  });

  it("counts a rotated node's account under its new index", async () => {
    await change();
    const proposal = await openVote();
    const context = await ballotContextOf(contracts.governor, proposal.id);
    await contracts.governor.castVotesBySig(
      proposal.id,
      await batchOf(context, [{ index: 5, support: 1, voter: voterOf(2) }]),
    );
    expect(await count(proposal, 7)).toEqual({ for: 1n, against: 0n, abstain: 0n, voted: [5] });
  });

  it("gives every split of its nodes the sums of just those keys", async () => {
    // Four nodes before and after, of which each is For, Against, abstains or does not vote: all 255 ways in a soak.
    useGovernance(await deployGovernance({ size: 4 }));
    const { nodes } = contracts;
    const before = await nodes.epoch();
    const registry = nodes.connect(await timelockSigner(contracts));
    await rotateAgent(registry, 2, "key 4");
    await registry.admit([admissionOf(contracts.stranger.address, "key 5")]);
    await removeNodes(registry, [0]);
    const context = await ballotContextOf(contracts.governor, 1n);
    for (const [epoch, members] of [
      [before, [0, 1, 2, 3]],
      [await nodes.epoch(), [1, 3, 4, 5]],
    ] as const) {
      for (let split = 1; split < 256; split += shortOrLong(7, 1)) {
        const ballots = ballotsOf(members.map((index, i) => [index, ((split >> (2 * i)) & 3) - 1] as const));
        const signers = signersOf(ballots);
        const digests = [digestOf(context, 1), digestOf(context, 0)] as const;
        const counts = await nodes.checkAggregate(epoch, 0, false, signers, ...digests, aggregate(context, ballots));
        const sizes = [ballots.for, ballots.against, ballots.abstain].map(({ length }) => BigInt(length));
        expect([...counts]).toEqual(sizes);
      }
    }
  });
});

async function bring(
  proposal: GovernanceHelper,
  ballots: BallotsOfNodes,
  governor: INodeGovernor = contracts.governor,
): Promise<unknown[][]> {
  const signature = aggregate(await ballotContextOf(governor, proposal.id), ballots);
  return governorEventsOf(governor.castVotesByAggregate(proposal.id, signersOf(ballots), signature));
}

/** In the order of the indices. */
async function batch(proposal: GovernanceHelper, ballots: BallotsOfNodes): Promise<string> {
  const entries = [ballots.against, ballots.for, ballots.abstain].flatMap((indices = [], support) =>
    indices.map((index) => ({ index, support, voter: voterOf(index) })),
  );
  entries.sort((a, b) => a.index - b.index);
  return batchOf(await ballotContextOf(contracts.governor, proposal.id), entries);
}

async function count(proposal: GovernanceHelper, bound = contracts.operators.length) {
  return countOf(contracts.governor, proposal.id, bound);
}
