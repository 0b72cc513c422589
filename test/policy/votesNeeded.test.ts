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

/** GovernorTracks._freeze, line by line, in whole numbers of any size. */
function freeze(track: Track, rules: { quorum: number; approval: number; fastPath: boolean }, nodes: number) {
  const max = (...all: bigint[]) => all.reduce((a, b) => (a > b ? a : b));
  const ceilDiv = (a: bigint, b: bigint) => (a + b - 1n) / b;
  const shareOf = (part: number, whole: bigint) => ceilDiv(BigInt(part) * whole, 60_000n);
  const size = BigInt(nodes);
  const claim = Tracks.indexOf(track) === 0;
  const majority = size / 2n + 1n;
  const needed = max(claim ? majority : shareOf(rules.quorum, size), size / 3n + 1n);
  const fastPath = claim ? needed : max(needed, majority, shareOf(rules.approval, size));
  return { neededFor: Number(needed), fastPathFor: rules.fastPath ? Number(fastPath) : 0 };
}

/** Whether the governor passes this tally at the deadline. */
const passes = (neededFor: number, approval: number, inFavour: number, against: number) =>
  inFavour >= neededFor && inFavour > against && inFavour * SHARE_DENOMINATOR >= approval * (inFavour + against);

describe("the votes that a proposal needs", () => {
  it("are those that the governor freezes, for every track, all shares and up to sixty nodes", () => {
    fc.assert(
      fc.property(share, share, fc.boolean(), (quorum, approval, fastPath) => {
        const rules = { quorum, approval, fastPath };
        for (const track of Tracks) {
          for (const size of sizes) expect(votesNeeded(track, rules, size)).toEqual(freeze(track, rules, size));
        }
      }),
    );
  });

  it("are exact where a share is a third or two thirds: two of three, four of six, forty of sixty", () => {
    const rules = { quorum: TWO_THIRDS, approval: TWO_THIRDS, fastPath: true };
    for (const size of [3, 6, 60]) {
      const needed = (size * 2) / 3;
      expect(votesNeeded("membership", rules, size)).toEqual({ neededFor: needed, fastPathFor: needed });
    }
  });

  it("are always more than a third of all, whatever a track's quorum says", () => {
    for (const track of Tracks) {
      for (const size of sizes) {
        const { neededFor } = votesNeeded(track, { quorum: 0, approval: 0, fastPath: true }, size);
        expect(neededFor * 3).toBeGreaterThan(size);
        expect(neededFor).toBeGreaterThan(0);
      }
    }
  });

  it("are more than half on Emergency, early or not at all: it claims facts", () => {
    for (const size of sizes) {
      const least = votesNeeded("emergency", { quorum: THIRD, approval: HALF, fastPath: true }, size);
      const most = votesNeeded("emergency", { quorum: TWO_THIRDS, approval: TWO_THIRDS, fastPath: true }, size);
      expect(least).toEqual({ neededFor: Math.floor(size / 2) + 1, fastPathFor: Math.floor(size / 2) + 1 });
      expect(most).toEqual(least);
    }
    expect(Tracks.filter(isClaimTrack)).toEqual(["emergency"]);
  });

  it("end a vote early only when no later ballot could change its result", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Tracks), share, share, (track, quorum, approval) => {
        for (const size of sizes) {
          const { fastPathFor, neededFor } = votesNeeded(track, { quorum, approval, fastPath: true }, size);
          // A claim is not answered Against.
          const rest = isClaimTrack(track) ? 0 : size - fastPathFor;
          expect(passes(neededFor, isClaimTrack(track) ? 0 : approval, fastPathFor, rest)).toBe(true);
        }
      }),
    );
  });
});
