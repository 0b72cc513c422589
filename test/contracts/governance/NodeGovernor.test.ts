import { beforeEach, describe, expect, it } from "vitest";
import { contracts, restart, useFreshGovernance } from "../../harness/contracts/currentGovernance.js";
import { ethers, networkHelpers, Track } from "../../harness/contracts/deployGovernance.js";
import { flagCall, State } from "../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../harness/contracts/reverts.js";

beforeEach(useFreshGovernance);

describe("The governor", () => {
  it("has the views that standard tooling reads", async () => {
    const { governor, operators, stranger, guardian, guardianExpiry, timelock } = contracts;
    const now = BigInt(await networkHelpers.time.latest());
    expect(await governor.name()).toBe("NodeGovernor");
    expect(await governor.CLOCK_MODE()).toBe("mode=timestamp");
    expect(await governor.clock()).toBe(now);
    expect(await governor.COUNTING_MODE()).toBe("support=bravo&quorum=for");
    expect(await governor.votingDelay()).toBe(60n);
    expect(await governor.votingPeriod()).toBe(86_400n);
    expect(await governor.proposalThreshold()).toBe(1n);
    expect(await governor.quorum(now - 1n)).toBe(2n);
    expect(await governor.quorum(1)).toBe(1n);
    expect(await revertOf(governor.quorum(now + 1n))).toEqual(["GovernorFutureLookup", now + 1n, expect.anything()]);
    expect(await governor.getVotes(operators[0] as never, now - 1n)).toBe(1n);
    expect(await governor.getVotes(operators[0] as never, 1)).toBe(0n);
    expect(await governor.getVotesWithParams(stranger, now - 1n, "0x")).toBe(0n);
    expect((await revertOf(governor.getVotes(operators[0] as never, now + 1n)))?.[0]).toBe("GovernorFutureLookup");
    expect(await governor.timelock()).toBe(await timelock.getAddress());
    expect(await governor.nodes()).toBe(await contracts.nodes.getAddress());
    expect(await governor.guardian()).toBe(guardian.address);
    expect(await governor.guardianExpiry()).toBe(guardianExpiry);
    expect(await governor.proposalQuorum(12)).toBe(0n);
    expect(await governor.proposalNeedsQueuing(12)).toBe(true);
  });
});

describe("Opening a proposal", () => {
  it("freezes track, rules, committee and times, and emits two events", async () => {
    const evidence = [ethers.id("a"), ethers.id("b")].sort();
    const proposal = await restart({ evidence });
    const receipt = await proposal.propose(contracts.operators[0]);

    const [created, opened] = receipt.logs.map((log) => contracts.governor.interface.parseLog(log));
    expect(created?.name).toBe("ProposalCreated");
    expect([opened?.name, ...(opened?.args.toArray(true) ?? [])]).toEqual([
      "ProposalOpened",
      proposal.id,
      Track.emergency,
      1n,
      5n,
      evidence,
    ]);
    expect(await contracts.governor.proposalRules(proposal.id)).toEqual([
      1n,
      5n,
      0n,
      5n,
      3n,
      3n,
      30_000n,
      Track.emergency,
      true,
      0n,
      86_400n,
    ]);
    expect(await contracts.governor.proposalQuorum(proposal.id)).toBe(3n);
    expect(await contracts.governor.proposalProposer(proposal.id)).toBe(contracts.operators[0]?.address);
    expect(await proposal.state()).toBe(State.pending);
  });

  it("is for members alone", async () => {
    const proposal = await restart();
    expect(await revertOf(proposal.propose(contracts.stranger))).toEqual([
      "GovernorInsufficientProposerVotes",
      contracts.stranger.address,
      0n,
      1n,
    ]);
  });

  it("opens one proposal for one observation of several nodes", async () => {
    await (await restart()).propose(contracts.operators[0]);
    const second = await restart();
    expect(await revertOf(second.propose(contracts.operators[1]))).toEqual([
      "GovernorUnexpectedProposalState",
      second.id,
      State.active,
      ethers.ZeroHash,
    ]);
  });

  it("refuses lists of unequal length", async () => {
    const { governor, operators } = contracts;
    const call = await flagCall(contracts);
    const propose = governor.connect(operators[0]).propose;
    expect(await revertOf(propose([call.target], [0n], [], "x"))).toEqual([
      "GovernorInvalidProposalLength",
      1n,
      0n,
      1n,
    ]);
    expect(await revertOf(propose([call.target], [], [call.data], "x"))).toEqual([
      "GovernorInvalidProposalLength",
      1n,
      1n,
      0n,
    ]);
    expect(await revertOf(propose([], [], [], "x"))).toEqual(["GovernorInvalidProposalLength", 0n, 0n, 0n]);
  });
});
