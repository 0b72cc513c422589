import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SHARE_DENOMINATOR } from "../../../../src/records/index.js";
import { formatNeeds, formatShare, formatTrackRules } from "../../../../src/surfaces/cli/output/votes.js";

describe("a share", () => {
  it.each([
    [20_000, "1/3"],
    [30_000, "1/2"],
    [40_000, "2/3"],
    [45_000, "3/4"],
    [48_000, "4/5"],
    [30_600, "51 %"],
    [600, "1 %"],
    [30_001, "50 %"],
    [30_060, "50.1 %"],
    [0, "none"],
    [60_000, "all"],
  ])("of %d in 60,000 is read as %s", (share, text) => {
    expect(formatShare(share)).toBe(text);
  });

  it("is never told by more than a two-hundredth of a percent from what it is", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: SHARE_DENOMINATOR - 1 }), (share) => {
        const text = formatShare(share);
        const [numerator = 0, denominator = 1] = text.split("/").map((part) => Number(part.replace(" %", "")));
        const told = text.endsWith("%") ? numerator / 100 : numerator / denominator;
        expect(Math.abs(told - share / SHARE_DENOMINATOR)).toBeLessThanOrEqual(0.000_050_001);
      }),
    );
  });
});

describe("what a vote needs", () => {
  it.each([
    [
      { neededFor: 2, fastPathFor: 3, approval: 30_000, claim: false },
      "2 for, more for than against, and 1/2 of both for; 3 for end the vote early",
    ],
    [
      { neededFor: 3, fastPathFor: 0, approval: 40_000, claim: false },
      "3 for, more for than against, and 2/3 of both for",
    ],
    [
      { neededFor: 3, fastPathFor: 3, approval: 30_000, claim: true },
      "3 for, which end the vote; nodes that do not see what it claims do not vote",
    ],
  ])("is said in votes and fractions: %o", (rules, text) => {
    expect(formatNeeds(rules)).toBe(text);
  });
});

it("tells the rules of a track without a number of sixty thousandths", () => {
  const rules = { votingDelay: 60, votingPeriod: 86_400, quorum: 20_000, approval: 30_600, fastPath: true };
  expect(formatTrackRules({ ...rules, timelock: 600, expiry: 604_800, openLimit: 8 })).toBe(
    "delay 60 s, period 86400 s, quorum 1/3, approval 51 %, ends early, timelock 600 s, expiry 604800 s, 8 open for each node",
  );
  expect(formatTrackRules({ ...rules, fastPath: false, timelock: 0, expiry: 60, openLimit: 1 })).toMatch(
    "never ends early",
  );
});
