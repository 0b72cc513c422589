import { beforeEach, describe, expect, it } from "vitest";
import {
  contracts,
  openVote,
  useFreshGovernance,
  useGovernance,
} from "../../../harness/contracts/currentGovernance.js";
import { deployGovernance, rules } from "../../../harness/contracts/deployGovernance.js";
import {
  flagCall,
  GovernanceHelper,
  increaseTimeTo,
  State,
  Support,
} from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";

beforeEach(useFreshGovernance);

describe("The outcome", () => {
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
    const proposal = await openVote();
    for (const [i, ballot] of [...ballots].entries())
      await proposal.vote(contracts.operators[i], "AFN".indexOf(ballot));
    expect(await proposal.state()).toBe(State.active);
    await proposal.waitForEnd();
    expect(await proposal.state()).toBe(State[state]);
  });

  it("ends at once when the fast path is reached, and takes no ballot after it", async () => {
    const { operators } = contracts;
    const proposal = await openVote();
    await proposal.voteAll(operators.slice(0, 3));
    expect(await proposal.state()).toBe(State.active);
    await proposal.vote(operators[3], Support.for);
    expect(await proposal.state()).toBe(State.succeeded);
    expect((await revertOf(proposal.vote(operators[4], Support.against)))?.[0]).toBe("GovernorUnexpectedProposalState");
    await proposal.queue();
    expect(await proposal.state()).toBe(State.queued);
  });

  it("waits for quorum and approval on the fast path, too", async () => {
    // More quorum than fast path, so that For alone is not enough.
    const track = rules({ quorum: 8000n, fastPath: 5000n });
    useGovernance(await deployGovernance({ tracks: [track, track, track, track] }));
    const proposal = await openVote();
    await proposal.voteAll(contracts.operators.slice(0, 3));
    expect(await proposal.state()).toBe(State.active);
    await proposal.vote(contracts.operators[3], Support.abstain);
    expect(await proposal.state()).toBe(State.succeeded);
  });

  it("expires a decision that nobody carries out, queued or not", async () => {
    const { governor, operators } = contracts;
    const proposals = [
      new GovernanceHelper(governor, [await flagCall(contracts, "a")]),
      new GovernanceHelper(governor, [await flagCall(contracts, "b")]),
    ];
    for (const proposal of proposals) await proposal.propose(operators[0]);
    for (const proposal of proposals) {
      await proposal.waitForStart();
      await proposal.voteAll(operators.slice(0, 4));
    }
    const [left, queued] = proposals as [GovernanceHelper, GovernanceHelper];
    await queued.queue();
    const expiry = await governor.proposalExpiry(left.id);
    expect(expiry).toBe((await governor.proposalDeadline(left.id)) + 600n + 7n * 86_400n);

    await increaseTimeTo(expiry);
    expect([await left.state(), await queued.state()]).toEqual([State.succeeded, State.queued]);
    await queued.waitForExpiry();
    expect([await left.state(), await queued.state()]).toEqual([State.expired, State.expired]);
    expect((await revertOf(left.queue()))?.[0]).toBe("GovernorUnexpectedProposalState");
    expect((await revertOf(queued.execute()))?.[0]).toBe("GovernorUnexpectedProposalState");
    expect((await revertOf(left.cancel(contracts.guardian)))?.[0]).toBe("GovernorUnexpectedProposalState");
  });
});
