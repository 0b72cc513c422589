import { beforeEach, describe, expect, it } from "vitest";
import {
  contracts,
  openVote,
  useFreshGovernance,
  useGovernance,
} from "../../../harness/contracts/currentGovernance.js";
import { deployGovernance, networkHelpers, Share, tracksWith } from "../../../harness/contracts/deployGovernance.js";
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
    ["abstentions do not count for the quorum", "FNNN", "defeated"],
    ["abstentions spoil no quorum", "FFNNN", "succeeded"],
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

  it.each([
    ["a majority of all", { quorum: Share.third, approval: Share.half }, 3],
    ["the quorum", { quorum: Share.twoThirds, approval: Share.half }, 4],
    ["the approval of all", { quorum: Share.third, approval: Share.twoThirds }, 4],
  ] as const)("is early with %s, so that no later ballot could change it", async (_what, shares, needed) => {
    useGovernance(await deployGovernance({ tracks: tracksWith({ ...shares, fastPath: true }) }));
    const { operators, governor } = contracts;
    const proposal = await openVote();
    expect((await governor.proposalRules(proposal.id)).fastPathFor).toBe(BigInt(needed));
    await proposal.voteAll(operators.slice(1, needed));
    await proposal.vote(operators[0], Support.abstain);
    expect(await proposal.state()).toBe(State.active);
    await proposal.vote(operators[needed], Support.for);
    expect(await proposal.state()).toBe(State.succeeded);
  });

  it("waits a quarter of the period, once, where enough nodes vote For at the last moment", async () => {
    const { governor, operators } = contracts;
    const proposal = await openVote();
    const deadline = await governor.proposalDeadline(proposal.id);
    await increaseTimeTo(deadline - 100n);
    await proposal.vote(operators[0], Support.for);
    expect(await governor.proposalDeadline(proposal.id)).toBe(deadline);
    await networkHelpers.time.setNextBlockTimestamp(deadline - 10n);
    const receipt = await proposal.vote(operators[1], Support.for);
    const later = deadline - 10n + 86_400n / 4n;
    const extended = governor.interface.parseLog(receipt.logs[0] ?? { topics: [], data: "0x" });
    expect([extended?.name, ...(extended?.args ?? [])]).toEqual(["ProposalExtended", proposal.id, later]);
    expect(await governor.proposalDeadline(proposal.id)).toBe(later);

    await increaseTimeTo(later - 10n);
    for (const index of [2, 3]) await proposal.vote(operators[index], Support.against);
    expect(await governor.proposalDeadline(proposal.id)).toBe(later);
    await proposal.waitForEnd();
    expect(await proposal.state()).toBe(State.defeated);
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
    const week = 7n * 86_400n;
    const [leftUntil, queuedUntil] = [await governor.proposalExpiry(left.id), await governor.proposalExpiry(queued.id)];
    expect(leftUntil).toBe((await governor.proposalDeadline(left.id)) + week);
    expect(queuedUntil).toBe((await governor.proposalEta(queued.id)) + week);

    await increaseTimeTo(queuedUntil);
    expect([await left.state(), await queued.state()]).toEqual([State.succeeded, State.queued]);
    await queued.waitForExpiry();
    expect([await left.state(), await queued.state()]).toEqual([State.succeeded, State.expired]);
    await increaseTimeTo(leftUntil);
    expect(await left.state()).toBe(State.succeeded);
    await left.waitForExpiry();
    expect([await left.state(), await queued.state()]).toEqual([State.expired, State.expired]);
    expect((await revertOf(left.queue()))?.[0]).toBe("GovernorUnexpectedProposalState");
    expect((await revertOf(queued.execute()))?.[0]).toBe("GovernorUnexpectedProposalState");
    expect((await revertOf(left.cancel(contracts.guardian)))?.[0]).toBe("GovernorUnexpectedProposalState");
  });
});
