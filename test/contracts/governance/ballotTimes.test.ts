import { beforeEach, describe, expect, it } from "vitest";
import { beginVote, castAggregate, expectRefused } from "../../harness/contracts/attacks.js";
import { aggregate, type BallotContext, ballotContextOf, batchOf, signersOf } from "../../harness/contracts/ballots.js";
import { contracts, voterOf } from "../../harness/contracts/currentGovernance.js";
import { ethers, networkHelpers } from "../../harness/contracts/deployGovernance.js";
import {
  flagCall,
  GovernanceHelper,
  increaseTimeTo,
  State,
  Support,
} from "../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../harness/contracts/reverts.js";

let proposal: GovernanceHelper;
let context: BallotContext;

/** A vote among five nodes that has begun, in which node 4 has voted Against. */
beforeEach(async () => {
  ({ proposal, context } = await beginVote());
  await proposal.vote(voterOf(4), Support.against);
});

describe("A ballot out of its time", () => {
  const active = ethers.toBeHex(2, 32);
  const ballots = { for: [0], against: [1] };

  /** That neither an aggregate nor a batch counts in this state. */
  async function closed(of: GovernanceHelper, state: bigint): Promise<void> {
    const refusal = ["GovernorUnexpectedProposalState", of.id, state, active];
    expect(await of.state()).toBe(state);
    const its = await ballotContextOf(contracts.governor, of.id);
    const batch = await batchOf(its, [{ index: 2, support: Support.for, voter: voterOf(2) }]);
    await expectRefused(of, () => castAggregate(of, ballots, aggregate(its, ballots)), refusal);
    await expectRefused(of, () => contracts.governor.castVotesBySig(of.id, batch), refusal);
  }

  it("is refused before the vote opens, and counts from the second after the snapshot", async () => {
    const { governor, operators } = contracts;
    const later = new GovernanceHelper(governor, [await flagCall(contracts, "later")]);
    await later.propose(operators[0]);
    await closed(later, State.pending);
    const its = await ballotContextOf(governor, later.id);
    const snapshot = await governor.proposalSnapshot(later.id);
    await networkHelpers.time.setNextBlockTimestamp(snapshot);
    await expectRefused(later, () => castAggregate(later, ballots, aggregate(its, ballots)), [
      "GovernorUnexpectedProposalState",
      later.id,
      State.pending,
      active,
    ]);
    await increaseTimeTo(snapshot);
    await networkHelpers.time.setNextBlockTimestamp(snapshot + 1n);
    await castAggregate(later, ballots, aggregate(its, ballots));
    expect(await later.votes()).toEqual({ for: 1n, against: 1n, abstain: 0n });
  });

  it("counts at the deadline, and is refused after it", async () => {
    const deadline = await contracts.governor.proposalDeadline(proposal.id);
    await networkHelpers.time.setNextBlockTimestamp(deadline);
    await castAggregate(proposal, { for: [3] }, aggregate(context, { for: [3] }));
    await proposal.waitForEnd();
    await closed(proposal, State.defeated);
  });

  it("is refused after the fast path, in the queue or once it is done", async () => {
    const enough = { for: [0, 1, 2, 3] };
    await castAggregate(proposal, enough, aggregate(context, enough));
    await closed(proposal, State.succeeded);
    await proposal.queue();
    await closed(proposal, State.queued);
    await proposal.waitForEta();
    await proposal.execute();
    await closed(proposal, State.executed);
  });

  it("is refused once the proposal is canceled, before or after the start", async () => {
    await proposal.cancel(contracts.guardian);
    await closed(proposal, State.canceled);
    const later = new GovernanceHelper(contracts.governor, [await flagCall(contracts, "later")]);
    await later.propose(contracts.operators[0]);
    await later.cancel(contracts.guardian);
    await closed(later, State.canceled);
    await later.waitForStart();
    await closed(later, State.canceled);
  });

  it("is refused for a proposal that does not exist", async () => {
    const { governor } = contracts;
    const none = { ...context, proposalId: 12n };
    const refusal = ["GovernorNonexistentProposal", 12n];
    const brought = governor.castVotesByAggregate(12n, signersOf(ballots), aggregate(none, ballots));
    expect(await revertOf(brought)).toEqual(refusal);
    const batch = await batchOf(none, [{ index: 2, support: Support.for, voter: voterOf(2) }]);
    expect(await revertOf(governor.castVotesBySig(12n, batch))).toEqual(refusal);
  });
});
