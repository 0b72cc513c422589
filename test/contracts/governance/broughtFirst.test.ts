import { beforeEach, describe, expect, it } from "vitest";
import { beginVote, castAggregate, expectRefused } from "../../harness/contracts/attacks.js";
import {
  aggregate,
  aggregateOver,
  ballotContextOf,
  ballotsOf,
  batchOf,
  bitmap,
  countOf,
  secretOfNode,
  signersOf,
} from "../../harness/contracts/ballots.js";
import {
  contracts,
  governorEventsOf,
  restart,
  useFreshGovernance,
  voterOf,
} from "../../harness/contracts/currentGovernance.js";
import { ethers } from "../../harness/contracts/deployGovernance.js";
import { argumentsOf, decide, ENOUGH } from "../../harness/contracts/fastLane.js";
import { type GovernanceHelper, State, Support } from "../../harness/contracts/governanceHelper.js";
import { gasOfRefusal, revertOf } from "../../harness/contracts/reverts.js";

const DONE = 2n;
const OUTCOME = ethers.id("outcome");
/** The precompile that checks a pairing takes 102,900 alone; a transaction at least 21,000, and its data's share. */
const WITHOUT_PAIRING = 60_000n;

/** A list of ballots For, one signature each. */
async function listOf(proposal: GovernanceHelper, indices: readonly number[]): Promise<string> {
  const entries = indices.map((index) => ({ index, support: Support.for, voter: voterOf(index) }));
  return batchOf(await ballotContextOf(contracts.governor, proposal.id), entries);
}

/** The report of these nodes that a directive is done. */
async function doneBy(directiveId: string, indices: readonly number[]) {
  const digest = await contracts.directives.reportDigest(directiveId, DONE, OUTCOME);
  return [directiveId, DONE, OUTCOME, bitmap(indices), aggregateOver(digest, indices.map(secretOfNode))] as const;
}

describe("A ballot that its voter brings first", () => {
  let proposal: GovernanceHelper;
  beforeEach(async () => {
    ({ proposal } = await beginVote());
  });

  it.each([Support.for, Support.against, Support.abstain])(
    "with support %i spoils no aggregate: the others' are counted, and they alone are emitted",
    async (support) => {
      const { governor } = contracts;
      const ballots = { for: [0, 1], against: [3] };
      const signature = aggregate(await ballotContextOf(governor, proposal.id), ballots);
      await proposal.vote(voterOf(1), support);
      const events = await governorEventsOf(governor.castVotesByAggregate(proposal.id, signersOf(ballots), signature));
      expect(events).toEqual([["BallotsCounted", proposal.id, [1n], [8n], []]]);
      const its = ballotsOf([[1, support]]);
      expect(await countOf(governor, proposal.id, 5)).toEqual({
        for: BigInt(1 + its.for.length),
        against: BigInt(1 + its.against.length),
        abstain: BigInt(its.abstain.length),
        voted: [0, 1, 3],
      });
    },
  );

  it("spoils no list", async () => {
    const { governor } = contracts;
    const list = await listOf(proposal, [0, 1, 3]);
    await proposal.vote(voterOf(1), Support.against);
    const events = await governorEventsOf(governor.castVotesBySig(proposal.id, list));
    expect(events).toEqual([["BallotsCounted", proposal.id, [9n], [], []]]);
    expect(await proposal.votes()).toEqual({ for: 2n, against: 1n, abstain: 0n });
  });

  it("spoils nothing either where a stranger brings it, having seen it on the way", async () => {
    const { governor, stranger } = contracts;
    const context = await ballotContextOf(governor, proposal.id);
    const all = { for: [0, 1, 2] };
    const [one, together] = [aggregate(context, { for: [1] }), aggregate(context, all)];
    await governor.connect(stranger).castVotesByAggregate(proposal.id, signersOf({ for: [1] }), one);
    await governor.connect(stranger).castVotesBySig(proposal.id, await listOf(proposal, [2]));
    await castAggregate(proposal, all, together);
    await governor.castVotesBySig(proposal.id, await listOf(proposal, [0, 1, 3]));
    expect(await proposal.votes()).toEqual({ for: 4n, against: 0n, abstain: 0n });
  });

  it("costs the others no pairing where nothing is left, whatever their signature is", async () => {
    const { governor } = contracts;
    const context = await ballotContextOf(governor, proposal.id);
    const ballots = { for: [0, 1] };
    await castAggregate(proposal, ballots, aggregate(context, ballots));
    const refusal = ["GovernorNothingNew", proposal.id];
    for (const signature of [aggregate(context, ballots), aggregate(context, { for: [2] })]) {
      await expectRefused(proposal, () => castAggregate(proposal, ballots, signature), refusal);
      const gas = await gasOfRefusal(ethers.provider, (overrides) =>
        governor.castVotesByAggregate(proposal.id, signersOf(ballots), signature, overrides),
      );
      expect(gas).toBeLessThan(WITHOUT_PAIRING);
    }
    const list = await listOf(proposal, [0, 1]);
    await expectRefused(proposal, () => governor.castVotesBySig(proposal.id, list), refusal);
    const gas = await gasOfRefusal(ethers.provider, (overrides) =>
      governor.castVotesBySig(proposal.id, list, overrides),
    );
    expect(gas).toBeLessThan(WITHOUT_PAIRING);
  });
});

describe("A report that its node brings first", () => {
  let directiveId: string;
  beforeEach(async () => {
    await useFreshGovernance();
    const proposal = await restart();
    await decide(proposal);
    ({ directiveId } = proposal);
  });

  it("spoils no report of many, which enacts", async () => {
    const { directives } = contracts;
    const together = await doneBy(directiveId, [0, 1, 2]);
    await directives.connect(voterOf(1)).report(directiveId, DONE, OUTCOME);
    const receipt = await (await directives.reportByAggregate(...together)).wait();
    const events = (receipt?.logs ?? []).map((log) => directives.interface.parseLog(log)?.args.toArray(true));
    expect(events).toEqual([
      [directiveId, DONE, OUTCOME, [5n]],
      [directiveId, DONE, OUTCOME, 3n],
    ]);
  });

  it("costs the others no pairing where nothing is left", async () => {
    const { directives } = contracts;
    const together = await doneBy(directiveId, [0, 1]);
    await directives.reportByAggregate(...together);
    const again = () => directives.reportByAggregate(...together);
    expect(await revertOf(again())).toEqual(["DirectiveRegistryNothingNew", directiveId]);
    const gas = await gasOfRefusal(ethers.provider, (overrides) =>
      directives.reportByAggregate(...together, overrides),
    );
    expect(gas).toBeLessThan(WITHOUT_PAIRING);
  });
});

describe("A motion that another opens first", () => {
  let proposal: GovernanceHelper;
  beforeEach(async () => {
    await useFreshGovernance();
    proposal = await restart();
  });

  it("is decided all the same, by anybody, who need not be a member then", async () => {
    await proposal.propose(voterOf(4));
    await decide(proposal, ENOUGH, contracts.stranger);
    expect(await proposal.state()).toBe(State.executed);
    expect(await proposal.votes()).toEqual({ for: 4n, against: 0n, abstain: 0n });
  });

  it("is decided with the ballots that are counted already, and those that are new are counted", async () => {
    await proposal.open(voterOf(4));
    await proposal.vote(voterOf(0), Support.for);
    const receipt = await decide(proposal);
    const counted = receipt.logs.map((log) => contracts.governor.interface.parseLog(log));
    const words = counted.find((event) => event?.name === "BallotsCounted")?.args.toArray(true);
    expect(words).toEqual([proposal.id, [14n], [], []]);
    expect(await proposal.state()).toBe(State.executed);
  });

  it("is carried out by who comes to decide when it has passed, or is in the queue", async () => {
    await proposal.pass(voterOf(4), contracts.operators.slice(0, 3));
    expect(await proposal.state()).toBe(State.succeeded);
    await decide(proposal);
    expect(await proposal.state()).toBe(State.executed);

    const other = await (await restart()).pass(voterOf(4), contracts.operators.slice(0, 3));
    await other.queue();
    await decide(other);
    expect(await other.state()).toBe(State.executed);
  });

  it("costs who comes when all is done no pairing", async () => {
    await decide(proposal, ENOUGH, voterOf(1));
    const words = await argumentsOf(proposal, ENOUGH);
    const gas = await gasOfRefusal(ethers.provider, (overrides) => contracts.governor.decide(...words, overrides));
    expect(gas).toBeLessThan(WITHOUT_PAIRING);
  });
});
