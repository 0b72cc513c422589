/**
 * The rules of the vote: thresholds, fast path, claims of fact, absent seats, floors and ceilings, change of the committee.
 * All splits of committees of 1 to 9 seats, and random ones of 30, 100 and 500.
 *
 * Found:
 * - "at least a third of all seats" lets exactly a third pass an order while all others are silent; "more than a third" does
 *   not, and costs nothing while at most 40 % are suspended.
 * - "what a majority of the counted seats wants" can be less than a third of all once more than a third is suspended; two
 *   thirds of the counted always suffice.
 * - An approval above one half delays claims of fact, on which nobody may vote Against: their fast path is what is needed.
 * - Membership's approval must not be below Constitution's: a repair sets Constitution twice, or one order of calls reverts.
 * - A limit of a tenth of the seats now lets 11 of 100 enter in a month; a tenth of those 30 days ago does not. Genesis
 *   counts as 30 days ago, and the last seat is never removed.
 */
import { describe, expect, it } from "vitest";
import { seedOf, shortOrLong } from "../harness/soak.js";
import { DAYS_OF_WINDOW, Membership, monthsToCapture } from "./committeeChange.js";
import {
  bounds,
  type CouncilTrack,
  type CouncilTrackRules,
  CouncilTracks,
  countedOn,
  defaultRules,
  type MotionClass,
  mended,
  passesAtDeadline,
  type RuleVariant,
  repair,
  type SeatCounts,
  SHARE_DENOMINATOR,
  setTrack,
  setTracks,
  share,
  shareOf,
  thresholds,
  type VoteShares,
  written,
} from "./council.js";
import { SeededRandom } from "./random.js";

const DAY = 86_400;
const shares: readonly VoteShares[] = [share(1, 3), share(1, 2), share(2, 3)].flatMap((quorum) =>
  [share(1, 2), share(2, 3), share(3, 4), share(4, 5)].map((approval) => ({ quorum, approval })),
);

interface Split extends SeatCounts {
  readonly counted: number;
  readonly for: number;
  readonly against: number;
  readonly abstain: number;
}

/** All ways in which seats can vote, be silent, be suspended and have lapsed; suspension leaves half of all. */
function* everySplit(track: CouncilTrack, sizes: readonly number[]): Generator<Split> {
  for (const all of sizes) {
    for (let suspended = 0; suspended <= Math.floor(all / 2); suspended++) {
      const lapses = track === "membership" || track === "constitution" ? suspended : 0;
      for (let lapsed = 0; lapsed <= lapses; lapsed++) {
        const counted = countedOn(track, { all, suspended, lapsed });
        for (let yes = 0; yes <= counted; yes++) {
          for (let no = 0; yes + no <= counted; no++) {
            for (let abstain = 0; yes + no + abstain <= counted; abstain++) {
              yield { all, suspended, lapsed, counted, for: yes, against: no, abstain };
            }
          }
        }
      }
    }
  }
}

function* randomSplits(random: SeededRandom, track: CouncilTrack, count: number): Generator<Split> {
  for (let i = 0; i < count; i++) {
    const all = random.pick([30, 100, 500]);
    const suspended = random.integer(0, Math.floor(all / 2));
    const lapsed = random.integer(0, suspended);
    const counted = countedOn(track, { all, suspended, lapsed });
    const yes = random.integer(0, counted);
    const no = random.integer(0, counted - yes);
    yield { all, suspended, lapsed, counted, for: yes, against: no, abstain: random.integer(0, counted - yes - no) };
  }
}

const small = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const tracks = ["operations", "constitution"] as const;
const randomCount = shortOrLong(4_000, 200_000);

/** The first split that breaks a rule, or undefined. */
function broken(breaks: (split: Split, shares: VoteShares) => boolean): Split | undefined {
  const random = new SeededRandom(seedOf(1));
  for (const track of tracks) {
    for (const splits of [everySplit(track, small), randomSplits(random, track, randomCount)]) {
      for (const split of splits) for (const each of shares) if (breaks(split, each)) return split;
    }
  }
  return undefined;
}

const classes: readonly MotionClass[] = ["order", "claim", "suspend"];

it("has exact shares: two thirds of three is two", () => {
  expect(shareOf(share(2, 3), 3)).toBe(2);
  for (const [numerator, denominator] of [
    [1, 3],
    [2, 3],
    [1, 2],
    [3, 4],
    [4, 5],
    [1, 100],
    [67, 100],
  ] as const) {
    for (let whole = 1; whole <= 10_000; whole += 7) {
      const exact = (BigInt(numerator) * BigInt(whole) + BigInt(denominator) - 1n) / BigInt(denominator);
      expect(BigInt(shareOf(share(numerator, denominator), whole))).toBe(exact);
    }
  }
  expect(SHARE_DENOMINATOR).toBeLessThan(2 ** 16);
});

describe("the fast path", () => {
  const overturned = (voters: (split: Split) => number, variant: RuleVariant) =>
    broken((split, each) =>
      classes.some((kind) => {
        const { fastPath, needed } = thresholds(kind, split.counted, split.all, each, variant);
        const worst = { for: split.for, against: kind === "order" ? voters(split) - split.for : 0 };
        return split.for >= fastPath && !passesAtDeadline(worst, needed, each.approval);
      }),
    );

  it("passes nothing that later ballots could make fail", () => {
    for (const variant of [written, mended]) expect(overturned(({ counted }) => counted, variant)).toBeUndefined();
  });

  it("would not be final if seats voted that are not counted", () => {
    expect(overturned(({ all }) => all, mended)).toMatchObject({ all: 2, counted: 1, for: 1 });
  });

  it("never asks for more than the counted seats have", () => {
    const unreachable = (variant: RuleVariant) =>
      broken(({ all, counted }, each) => thresholds("order", counted, all, each, variant).fastPath > counted);
    for (const variant of [written, mended]) expect(unreachable(variant)).toBeUndefined();
  });

  it("of a claim waits for an approval that nobody can vote against, unless it is what is needed", () => {
    const of = (variant: RuleVariant) =>
      thresholds("claim", 9, 9, { quorum: share(1, 3), approval: share(2, 3) }, variant);
    expect(of(written)).toEqual({ needed: 5, fastPath: 6 });
    expect(of(mended)).toEqual({ needed: 5, fastPath: 5 });
  });
});

describe("what passes", () => {
  const passes = (votes: Pick<Split, "for" | "against" | "counted" | "all">, each: VoteShares, kind: MotionClass) =>
    passesAtDeadline(votes, thresholds(kind, votes.counted, votes.all, each).needed, each.approval);

  it("has more than a third of all seats For", () => {
    expect(
      broken((split, each) => classes.some((k) => passes(split, each, k) && split.for * 3 <= split.all)),
    ).toBeUndefined();
  });

  it("would include what exactly a third wants while all others are silent, were the floor `at least`", () => {
    const alone = (all: number, variant: RuleVariant) => {
      const each = { quorum: share(1, 3), approval: share(2, 3) };
      const { needed } = thresholds("order", all, all, each, variant);
      return passesAtDeadline({ for: Math.floor(all / 3), against: 0 }, needed, each.approval);
    };
    expect([3, 9, 30, 300].map((all) => alone(all, written))).toEqual([true, true, true, true]);
    expect([3, 9, 30, 100, 300, 500].filter((all) => alone(all, mended))).toEqual([]);
  });

  it("is not helped by Abstain, by Against, nor hindered by one For more", () => {
    const helped = broken((split, each) => {
      const now = passes(split, each, "order");
      const without = passes({ ...split, against: 0 }, each, "order");
      const more = split.for < split.counted && !passes({ ...split, for: split.for + 1 }, each, "order");
      return (now && !without) || (now && more);
    });
    expect(helped).toBeUndefined();
    // Abstain is no argument of the rule: the model could not let it help.
    expect(thresholds("order", 5, 5, { quorum: share(1, 2), approval: share(2, 3) }).needed).toBe(3);
    expect(passesAtDeadline({ for: 1, against: 0 }, 3, share(2, 3))).toBe(false);
  });
});

describe("with absent seats", () => {
  /** Committees in which the honest cannot decide although at most this share is suspended. */
  function stuck(
    absent: number,
    honest: (counted: number) => number,
    each: VoteShares,
    variant: RuleVariant,
  ): number[] {
    return Array.from({ length: 500 }, (_, i) => i + 1).filter((all) => {
      for (let suspended = 0; suspended <= all * absent; suspended++) {
        const counted = all - suspended;
        const votes = { for: honest(counted), against: counted - honest(counted) };
        const fails = (kind: MotionClass) => {
          const { needed } = thresholds(kind, counted, all, each, variant);
          return !passesAtDeadline(kind === "order" ? votes : { ...votes, against: 0 }, needed, each.approval);
        };
        if (fails("order") || fails("claim")) return true;
      }
      return false;
    });
  }
  const lowest = { quorum: share(1, 3), approval: share(1, 2) };
  const highest = { quorum: share(2, 3), approval: share(2, 3) };
  const everybody = (counted: number) => counted;
  const twoThirds = (counted: number) => counted - Math.floor(counted / 3);
  const majority = (counted: number) => Math.floor(counted / 2) + 1;

  it("decides with 40 % of the seats suspended, whatever a third of the others does", () => {
    for (const honest of [everybody, twoThirds]) {
      for (const each of [lowest, highest]) expect(stuck(0.4, honest, each, mended)).toEqual([]);
    }
  });

  it("decides what a majority of the counted seats wants while at most a third is suspended", () => {
    expect(stuck(1 / 3, majority, lowest, mended)).toEqual([]);
    // With 40 %, a bare majority of the counted can be less than a third of all: 31 of 60, of 100.
    for (const variant of [written, mended]) expect(stuck(0.4, majority, lowest, variant)).toContain(100);
    // Nor does a majority suffice once a vote has raised quorum or approval of Operations.
    expect(stuck(0, majority, highest, mended)).not.toEqual([]);
  });

  it("says what share of hostile or blind seats blocks a suspension", () => {
    const blockers = (all: number, silent: number) => all - silent - thresholds("suspend", all, all, lowest).needed + 1;
    expect([blockers(5, 2), blockers(10, 4), blockers(50, 20), blockers(500, 200)]).toEqual([1, 1, 5, 50]);
    expect([blockers(5, 1), blockers(50, 10), blockers(500, 100)]).toEqual([2, 15, 150]);
  });
});

describe("votes cannot end governance", () => {
  const random = new SeededRandom(seedOf(2));
  const anyRules = (track: CouncilTrack): CouncilTrackRules => {
    const drawn = Object.entries(bounds[track]).map(([field, [least, most]]) => {
      const value = random.pick([least, most, random.integer(least, most)]);
      return [field, random.chance(0.02) ? value + random.pick([-1, 1]) * most : value];
    });
    return Object.fromEntries(drawn) as CouncilTrackRules;
  };
  /** The worst committee: a third absent, but not lapsed. */
  const canRepair = (all: number, each: VoteShares) => {
    const present = all - Math.floor(all / 3);
    return passesAtDeadline({ for: present, against: 0 }, thresholds("order", all, all, each).needed, each.approval);
  };
  const sizes = [...small, 30, 100, 500];

  it("of any random walk within the bounds restores the defaults in 67 days, with a third suspended", () => {
    let rules = defaultRules;
    let longest = 0;
    let refused = 0;
    for (let step = 0; step < shortOrLong(2_000, 100_000); step++) {
      const track = random.pick(CouncilTracks);
      const next = setTrack(rules, track, anyRules(track));
      if (next === undefined) refused++;
      rules = next ?? rules;
      const { timelock, votingDelay, votingPeriod } = rules.constitution;
      longest = Math.max(longest, votingDelay + votingPeriod + timelock);
      expect(sizes.filter((all) => !canRepair(all, rules.constitution))).toEqual([]);
      expect(setTracks(rules, repair)).toEqual(defaultRules);
    }
    expect(refused).toBeGreaterThan(50);
    expect(longest).toBe(67 * DAY);
  });

  it("needs Constitution set twice in the repair: either order of two calls is refused from some rules", () => {
    const approvals = (membership: number, constitution: number) =>
      ({
        ...defaultRules,
        membership: { ...defaultRules.membership, approval: membership },
        constitution: { ...defaultRules.constitution, approval: constitution },
      }) as const;
    const calls = (["membership", "constitution"] as const).map((track) => [track, defaultRules[track]] as const);
    const [low, high] = [approvals(share(2, 3), share(2, 3)), approvals(share(4, 5), share(4, 5))];
    expect([low, high].map((rules) => setTracks(rules, calls) !== undefined)).toEqual([true, false]);
    expect([low, high].map((rules) => setTracks(rules, calls.toReversed()) !== undefined)).toEqual([false, true]);
    for (const rules of [low, high]) expect(setTracks(rules, repair)).toEqual(defaultRules);
  });

  it("lets what was passed before take effect once after a repair, and no later than 127 days after it was opened", () => {
    const { expiry, timelock, votingDelay, votingPeriod } = bounds.constitution;
    const pocket = votingDelay[1] + votingPeriod[1] + expiry[1] + timelock[1] + expiry[1];
    expect(pocket).toBe(127 * DAY);
    // Anybody may queue and execute it first, so that the repair comes last.
    const pocketed = setTrack(defaultRules, "constitution", { ...defaultRules.constitution, approval: share(2, 3) });
    expect(pocketed && setTracks(pocketed, repair)).toEqual(defaultRules);
  });

  it("would need a track's expiry of 30 days on Membership, so that what the monthly limit delays does not expire", () => {
    expect(defaultRules.membership.expiry).toBe(DAYS_OF_WINDOW * DAY);
  });
});

describe("the bounded change of the committee", () => {
  /** Changes at random days, as many as the registry accepts; the most that entered or left, over what is allowed. */
  function worstExcess(base: "now" | "before", seed: number, founders: number): number {
    const random = new SeededRandom(seed);
    const membership = new Membership(founders, base);
    const greedy = random.chance(0.5);
    let excess = 0;
    const look = (kind: "entered" | "left", day: number) => {
      const allowed = Math.max(1, Math.floor(membership.seatsAt(day - DAYS_OF_WINDOW) / 10));
      excess = Math.max(excess, membership.changed(kind, day - DAYS_OF_WINDOW, day) - allowed);
    };
    for (let day = 1; day < 400; day += random.integer(1, 9)) {
      while ((greedy || random.chance(0.6)) && membership.admit(day)) look("entered", day);
      while (random.chance(0.4) && membership.remove(day)) look("left", day);
    }
    return excess;
  }
  const seeds = Array.from({ length: shortOrLong(40, 1_000) }, (_, i) => seedOf(3) + i);
  const founders = [1, 3, 9, 10, 30, 100, 500];

  it("is held by every schedule, n being the seats 30 days before each change", () => {
    for (const n of founders) for (const seed of seeds) expect(worstExcess("before", seed, n)).toBe(0);
  });

  it("is not held if n is the seats now: who enters makes room for more", () => {
    expect(Math.max(...seeds.map((seed) => worstExcess("now", seed, 100)))).toBeGreaterThan(0);
  });

  it("never removes the last seat", () => {
    expect(new Membership(1, "before").remove(1)).toBe(false);
  });

  it("gives the others months, were a third to win every vote on membership", () => {
    const months = founders.slice(1).map((n) => [n, monthsToCapture(n, Math.floor(n / 3), 2 / 3)]);
    expect(Object.fromEntries(months)).toMatchInlineSnapshot(`
      {
        "10": 4,
        "100": 4,
        "3": 2,
        "30": 4,
        "500": 4,
        "9": 4,
      }
    `);
  });
});
