import { beforeEach, describe, expect, it } from "vitest";
import { castAggregate, castAll, expectRefused } from "../../harness/contracts/attacks.js";
import { aggregate, BALLOT_PATHS, ballotContextOf } from "../../harness/contracts/ballots.js";
import { contracts, restart, useFreshGovernance, voterOf } from "../../harness/contracts/currentGovernance.js";
import { ethers, networkHelpers } from "../../harness/contracts/deployGovernance.js";
import { decide, expectRefused as expectNotDecided } from "../../harness/contracts/fastLane.js";
import {
  directiveOf,
  GovernanceHelper,
  increaseTimeTo,
  issueCall,
  Kind,
  State,
  Support,
  saltNow,
} from "../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../harness/contracts/reverts.js";

const SUBJECT = ethers.id("workload/web");
const ISSUED = 1n;
const YEAR = 365 * 86_400;

beforeEach(useFreshGovernance);

/** The order that a workload's releases or replicas be what `payload` says. */
async function order(kind: number, payload: string, attempt = 0): Promise<GovernanceHelper> {
  const call = await issueCall(contracts, { kind, subject: SUBJECT, payload: ethers.id(payload) }, attempt);
  return new GovernanceHelper(contracts.governor, [call]).withId();
}

describe("The same order again", () => {
  it.each([
    ["Scale 3-2-3", Kind.Scale, ["3", "2", "3"]],
    ["Deploy A-B-A", Kind.Deploy, ["A", "B", "A"]],
    ["Rollback to one release twice", Kind.Rollback, ["A", "A"]],
  ] as const)("is issued: %s", async (_what, kind, payloads) => {
    const { directives, operators } = contracts;
    const ids: string[] = [];
    for (const payload of payloads) {
      const proposal = await order(kind, payload);
      await proposal.carryOut(operators[0], operators);
      expect(await directives.lastIssued(SUBJECT)).toBe(proposal.directiveId);
      ids.push(proposal.directiveId);
    }
    expect(new Set(ids).size).toBe(payloads.length);
    for (const id of ids) expect(await directives.status(id)).toBe(ISSUED);
  });

  it("is issued twice within one window: a replica restarts and falls again", async () => {
    const ids = new Set<string>();
    for (const _ of ["first", "second"]) {
      const proposal = await restart();
      await decide(proposal);
      expect(await contracts.directives.status(proposal.directiveId)).toBe(ISSUED);
      ids.add(proposal.directiveId);
    }
    expect(ids.size).toBe(2);
  });

  it("is voted on again under the next attempt, where the first was defeated", async () => {
    const { operators } = contracts;
    const first = await order(Kind.Scale, "3");
    await first.propose(operators[0]);
    await first.waitForEnd();
    expect(await first.state()).toBe(State.defeated);
    expect((await revertOf(first.propose(operators[0])))?.[0]).toBe("GovernorUnexpectedProposalState");
    const second = await order(Kind.Scale, "3", 1);
    await second.carryOut(operators[0], operators);
    expect(await contracts.directives.lastIssued(SUBJECT)).toBe(second.directiveId);
  });
});

describe("One base", () => {
  it.each([
    ["two attempts of one order", "3", 1],
    ["two different orders", "2", 0],
  ] as const)("has one order: of %s the second is refused at its issue", async (_what, payload, attempt) => {
    const { directives, operators } = contracts;
    const [first, second] = [await order(Kind.Scale, "3"), await order(Kind.Scale, payload, attempt)];
    await first.carryOut(operators[0], operators);
    const stale = ["DirectiveRegistryStaleBase", SUBJECT, ethers.ZeroHash, first.directiveId];
    expect(await revertOf(second.carryOut(operators[0], operators))).toEqual(stale);
    expect(await directives.status(second.directiveId)).toBe(0n);
    expect(await directives.lastIssued(SUBJECT)).toBe(first.directiveId);
  });

  it("of an order is that of its subject, whatever the kinds are", async () => {
    const { operators } = contracts;
    const deployed = await order(Kind.Deploy, "A");
    await deployed.carryOut(operators[0], operators);
    const rollback = new GovernanceHelper(contracts.governor, [
      await issueCall(contracts, { kind: Kind.Rollback, subject: SUBJECT, base: ethers.ZeroHash }),
    ]);
    const stale = ["DirectiveRegistryStaleBase", SUBJECT, ethers.ZeroHash, deployed.directiveId];
    expect(await revertOf(rollback.carryOut(operators[0], operators))).toEqual(stale);
    await (await order(Kind.Rollback, "A")).carryOut(operators[0], operators);
  });

  it("is no part of orders on nothing that is kept", async () => {
    const { operators } = contracts;
    for (const kind of [Kind.SetFlag, Kind.StartRound, Kind.Experiment]) {
      const call = await issueCall(contracts, { kind, subject: SUBJECT, base: ethers.id("base") });
      const proposal = new GovernanceHelper(contracts.governor, [call]);
      expect(await revertOf(proposal.carryOut(operators[0], operators))).toEqual(["DirectiveRegistryInvalidDirective"]);
    }
    expect(await contracts.directives.lastIssued(SUBJECT)).toBe(ethers.ZeroHash);
  });
});

describe("The window of a motion that is signed before it is opened", () => {
  it("is its own and the next: in them it is opened and decided", async () => {
    for (const seconds of [0, 300]) {
      const proposal = await restart();
      await increaseTimeTo(BigInt(seconds + (await networkHelpers.time.latest())));
      await decide(proposal);
      expect(await proposal.state()).toBe(State.executed);
    }
  });

  it("passes: ballots of long ago and one hostile member issue nothing", async () => {
    for (const seconds of [600, 2 * YEAR]) {
      const proposal = await restart({}, seconds);
      await networkHelpers.time.increase(seconds);
      await expectNotDecided(proposal, ["GovernorWindowPassed"]);
      expect(await revertOf(proposal.propose(voterOf(4)))).toEqual(["GovernorWindowPassed"]);
    }
  });

  it("is not one to come, nor none at all", async () => {
    const now = BigInt(await saltNow());
    for (const salt of [now + (1n << 32n), now + (1n << 33n), 0n, 7n, ethers.MaxUint256]) {
      await expectNotDecided(await restart({ salt: ethers.toBeHex(salt, 32) }), ["GovernorWindowPassed"]);
    }
  });
});

describe("A claim of fact", () => {
  it.each(BALLOT_PATHS)("takes neither Against nor Abstain, by %s", async (path) => {
    for (const kind of [Kind.Restart, Kind.Rollback]) {
      const proposal = await (await order(kind, "what was seen")).open(voterOf(0));
      const refusal = ["GovernorClaimOfFact", proposal.id];
      for (const support of [Support.against, Support.abstain]) {
        await expectRefused(proposal, () => castAll(path, proposal, [[1, support]]), refusal);
      }
      await castAll(path, proposal, [[1, Support.for]]);
      expect(await proposal.votes()).toEqual({ for: 1n, against: 0n, abstain: 0n });
    }
  });

  it("is not hindered by one that signs Against: it is left out of the aggregate, and a majority For decides", async () => {
    const proposal = await (await restart()).open(voterOf(0));
    const context = await ballotContextOf(contracts.governor, proposal.id);
    const mixed = { for: [0, 1, 2], against: [3] };
    const refusal = ["GovernorClaimOfFact", proposal.id];
    await expectRefused(proposal, () => castAggregate(proposal, mixed, aggregate(context, mixed)), refusal);
    await castAggregate(proposal, { for: [0, 1, 2] }, aggregate(context, { for: [0, 1, 2] }));
    expect(await proposal.state()).toBe(State.succeeded);
  });

  it("passes with a majority of all, never with less: it waits, and ends", async () => {
    const proposal = await (await restart()).open(voterOf(0));
    for (const index of [0, 1]) await proposal.vote(voterOf(index), Support.for);
    expect(await proposal.state()).toBe(State.active);
    await proposal.waitForEnd();
    expect(await proposal.state()).toBe(State.defeated);
    expect(await contracts.directives.lastIssued(directiveOf({ kind: Kind.Restart }).subject)).toBe(ethers.ZeroHash);
  });
});
