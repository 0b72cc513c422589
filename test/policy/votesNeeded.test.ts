import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isClaimTrack, votesNeeded } from "../../src/policy/index.js";
import { SHARE_DENOMINATOR, type Track, Tracks } from "../../src/records/index.js";

const sizes = Array.from({ length: 60 }, (_, i) => i + 1);
const THIRD = SHARE_DENOMINATOR / 3;
const HALF = SHARE_DENOMINATOR / 2;
const TWO_THIRDS = 2 * THIRD;
const THREE_QUARTERS = (SHARE_DENOMINATOR / 4) * 3;
/** Any shares that a record can hold, and often those of the default tracks. */
const share = fc.oneof(
  fc.integer({ min: 0, max: SHARE_DENOMINATOR }),
  fc.constantFrom(THIRD, HALF, TWO_THIRDS, THREE_QUARTERS, SHARE_DENOMINATOR),
);

/** All seats, those that are counted, and whether the order suspends some: up to half of the seats are suspended. */
const deciding = fc
  .record({
    all: fc.integer({ min: 1, max: 60 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    suspends: fc.boolean(),
  })
  .map(({ all, part, suspends }) => ({ all, counted: all - Math.floor((all / 2) * part), suspends }));

/** GovernorTracks._needs and what ProposalReader.read gives it, line by line, in whole numbers of any size. */
function freeze(
  track: Track,
  rules: { quorum: number; approval: number; fastPath: boolean },
  seats: { all: number; counted: number; suspends: boolean },
) {
  const max = (...all: bigint[]) => all.reduce((a, b) => (a > b ? a : b));
  const ceilDiv = (a: bigint, b: bigint) => (a + b - 1n) / b;
  const shareOf = (part: number, whole: bigint) => ceilDiv(BigInt(part) * whole, 60_000n);
  const counted = BigInt(seats.counted);
  const leastFor = BigInt(seats.all) / (seats.suspends ? 2n : 3n) + 1n;
  const claim = Tracks.indexOf(track) === 0;
  const majority = counted / 2n + 1n;
  const needed = max(claim ? majority : shareOf(rules.quorum, counted), leastFor);
  const fastPath = claim ? needed : max(needed, majority, shareOf(rules.approval, counted));
  return { neededFor: Number(needed), fastPathFor: rules.fastPath ? Number(fastPath) : 0 };
}

/** Whether the governor passes this tally at the deadline. */
const passes = (neededFor: number, approval: number, inFavour: number, against: number) =>
  inFavour >= neededFor && inFavour > against && inFavour * SHARE_DENOMINATOR >= approval * (inFavour + against);

describe("the votes that a proposal needs", () => {
  it("are those that the governor freezes, for every track, all shares and up to sixty nodes, up to half of them suspended", () => {
    fc.assert(
      fc.property(share, share, fc.boolean(), deciding, (quorum, approval, fastPath, seats) => {
        const rules = { quorum, approval, fastPath };
        for (const track of Tracks) expect(votesNeeded(track, rules, seats)).toEqual(freeze(track, rules, seats));
      }),
      { numRuns: 2_000 },
    );
  });

  it("are exact where a share is a third or two thirds: two of three, four of six, forty of sixty", () => {
    const rules = { quorum: TWO_THIRDS, approval: TWO_THIRDS, fastPath: true };
    for (const size of [3, 6, 60]) {
      const needed = (size * 2) / 3;
      expect(votesNeeded("membership", rules, { all: size, counted: size })).toEqual({
        neededFor: needed,
        fastPathFor: needed,
      });
    }
  });

  it("are always more than a third of all, whatever a track's quorum says", () => {
    for (const track of Tracks) {
      for (const size of sizes) {
        const { neededFor } = votesNeeded(
          track,
          { quorum: 0, approval: 0, fastPath: true },
          { all: size, counted: size },
        );
        expect(neededFor * 3).toBeGreaterThan(size);
        expect(neededFor).toBeGreaterThan(0);
      }
    }
  });

  it("are more than half of all to suspend seats, so that no group of counted seats takes out the others", () => {
    const rules = { quorum: THIRD, approval: HALF, fastPath: true };
    const half = { neededFor: 51, fastPathFor: 51 };
    expect(votesNeeded("emergency", rules, { all: 100, counted: 60, suspends: true })).toEqual(half);
    expect(votesNeeded("emergency", rules, { all: 100, counted: 60 })).toEqual({ neededFor: 34, fastPathFor: 34 });
  });

  it("are more than half on Emergency, early or not at all: it claims facts", () => {
    for (const size of sizes) {
      const least = votesNeeded(
        "emergency",
        { quorum: THIRD, approval: HALF, fastPath: true },
        { all: size, counted: size },
      );
      const most = votesNeeded(
        "emergency",
        { quorum: TWO_THIRDS, approval: TWO_THIRDS, fastPath: true },
        { all: size, counted: size },
      );
      expect(least).toEqual({ neededFor: Math.floor(size / 2) + 1, fastPathFor: Math.floor(size / 2) + 1 });
      expect(most).toEqual(least);
    }
    expect(Tracks.filter(isClaimTrack)).toEqual(["emergency"]);
  });

  it("end a vote early only when no later ballot could change its result", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Tracks), share, share, (track, quorum, approval) => {
        for (const size of sizes) {
          const { fastPathFor, neededFor } = votesNeeded(
            track,
            { quorum, approval, fastPath: true },
            { all: size, counted: size },
          );
          // A claim is not answered Against.
          const rest = isClaimTrack(track) ? 0 : size - fastPathFor;
          expect(passes(neededFor, isClaimTrack(track) ? 0 : approval, fastPathFor, rest)).toBe(true);
        }
      }),
    );
  });
});
