import fc from "fast-check";
import { expect, it } from "vitest";
import { isUnopened, makeUnopenedProposal } from "../../../src/agent/ballots/unopenedProposal.js";
import type { BuiltProposal, Proposal } from "../../../src/client/index.js";
import type { Directive, Track, TrackRules } from "../../../src/records/index.js";

const directive: Directive = {
  kind: "Restart",
  subject: `0x${"01".repeat(32)}`,
  payload: `0x${"02".repeat(32)}`,
  delay: 0,
  window: 600,
  salt: `0x${"00".repeat(32)}`,
  base: `0x${"00".repeat(32)}`,
  evidence: [`0x${"03".repeat(32)}`],
};
const built = {
  proposalId: "7",
  directiveId: `0x${"04".repeat(32)}`,
  directive,
  calls: [{ target: `0x${"05".repeat(20)}`, value: 0n, data: "0x06" }],
  description: "restart web/3",
} as unknown as BuiltProposal;
const rules = {
  quorum: 30_000,
  approval: 40_000,
  fastPath: true,
  votingDelay: 12,
  votingPeriod: 300,
  timelock: 60,
  expiry: 900,
} as TrackRules;
const self = `0x${"a0".repeat(20)}` as const;
const make = (change: Partial<TrackRules> = {}, chainTime = 1_000, track: Track = "emergency") =>
  makeUnopenedProposal({
    ...{ built, self, chainTime, track, epoch: 4, committeeSize: 7, presence: 2, counted: 6 },
    rules: { ...rules, ...change },
  });

it("is the proposal that will be opened: the same id, directive, evidence and calls", () => {
  const proposal = make();
  expect(proposal).toMatchObject({
    ...{ id: "7", directiveId: built.directiveId, directive, evidence: directive.evidence },
    ...{ calls: built.calls, description: built.description, built, track: "emergency", proposer: self },
  });
});

it("takes ballots at once under the rules of now, which count for nothing yet", () => {
  const proposal = make();
  expect(proposal).toMatchObject({
    state: "Active",
    votes: { for: 0, against: 0, abstain: 0 },
    start: 1_000,
    eta: null,
  });
  const frozen = { approval: 40_000, timelock: 60, expiry: 900 };
  const claim = { claim: true, neededFor: 4, fastPathFor: 4 };
  expect(proposal.rules).toEqual({ epoch: 4, committeeSize: 7, presence: 2, counted: 6, ...frozen, ...claim });
  const scaled = { claim: false, neededFor: 3, fastPathFor: 4 };
  expect(make({}, 1_000, "operations").rules).toEqual({
    epoch: 4,
    committeeSize: 7,
    presence: 2,
    counted: 6,
    ...frozen,
    ...scaled,
  });
});

it("ends a voting period after the chain's time, and lapses an expiry later if nobody queues it", () => {
  const seconds = fc.nat({ max: 10_000_000 });
  fc.assert(
    fc.property(seconds, seconds, seconds, seconds, (votingPeriod, timelock, expiry, chainTime) => {
      const proposal = make({ votingPeriod, timelock, expiry }, chainTime);
      expect(proposal.deadline - proposal.start).toBe(votingPeriod);
      expect(proposal.expiry - proposal.deadline).toBe(expiry);
      expect(proposal.start).toBe(chainTime);
    }),
  );
});

it("is told from one that is on chain", () => {
  const unopened = make();
  const { built: _, ...opened } = unopened;
  expect([isUnopened(unopened), isUnopened(opened satisfies Proposal)]).toEqual([true, false]);
});
