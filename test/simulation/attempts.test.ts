/**
 * Orders given again: base, window and attempt, with lagging views, clocks apart, reorganisations and a hostile third.
 *
 * Found:
 * - A motion of a window must close with the window after its own. If it closes with the voting period instead, a hostile
 *   node keeps it open and brings old ballots an hour later; and a short period lets it spend each attempt before nodes see
 *   it, for ten minutes and more where blocks are confirmed late. With it the first attempt of a window lasts as long as the
 *   window.
 * - Which motions exist is read at the newest block, only the base at a confirmed one: otherwise the same spending jams
 *   Operations with a short period. The base alone keeps an order from being issued twice.
 * - A canonical motion that a node sees no reason for gets its Against in the last quarter of the vote, not at once: or a
 *   hostile node that opens it while half of the others see the reason splits them until the deadline.
 * - Whether nodes join open motions of earlier windows makes no difference: they need not.
 * - The wait after a failed order follows from the chain (time of issue, number of failures), so all want the next at once.
 */
import { describe, expect, it } from "vitest";
import { seedOf, shortOrLong } from "../harness/soak.js";
import { type MotionRules, WINDOW_SECONDS } from "./motions.js";
import {
  backOff,
  type HostileTactic,
  HostileTactics,
  Observers,
  type ObserversReport,
  type ObserversScenario,
} from "./observers.js";
import { SeededRandom } from "./random.js";

const claims: MotionRules = {
  ...{ seats: 9, needed: 5, claims: true, votingDelay: 0, votingPeriod: 3_600 },
  ...{ closes: "window", checksBase: true },
};
/** More than a third of all seats; more than half of them end the vote. */
const orders: MotionRules = { ...claims, needed: 4, claims: false, votingDelay: 60, votingPeriod: 1_200 };
const scenario: ObserversScenario = {
  ...{ seed: 1, rules: claims, hostile: 3, tactic: "silent", blockSeconds: 5, depth: 2, spreadSeconds: 20 },
  ...{ startSeconds: 0, joinsOpen: false, looksAt: "newest", against: "late", failures: 0, limitSeconds: 2_400 },
};
/** Blocks of 12 s that are confirmed after a quarter of an hour. */
const lateFinality = { blockSeconds: 12, depth: 64 };

type Changes = Partial<ObserversScenario>;
const seeds = Array.from({ length: shortOrLong(2, 20) }, (_, i) => seedOf(1) + i);

const speeds = [
  { blockSeconds: 1, depth: 3 },
  { blockSeconds: 5, depth: 2 },
  { blockSeconds: 12, depth: 2 },
];
const places = [0, 140, 285, 298];

/** Runs of every tactic, speed of blocks and place in the window, unless these are given, under every seed. */
function runAll(changes: Changes, tactics: readonly HostileTactic[] = HostileTactics): ObserversReport[] {
  const reports: ObserversReport[] = [];
  for (const seed of seeds) {
    for (const tactic of tactics) {
      for (const speed of changes.blockSeconds === undefined ? speeds : [{}]) {
        for (const startSeconds of changes.startSeconds === undefined ? places : [changes.startSeconds]) {
          const own = { ...scenario, seed, tactic, ...speed, startSeconds, ...changes };
          reports.push(new Observers(own, new SeededRandom(seed)).run());
        }
      }
    }
  }
  return reports;
}

/** Seconds from the moment when all want an order until the last of these was issued; infinite if one never was. */
const slowest = (reports: readonly ObserversReport[]) =>
  Math.max(...reports.map(({ delays }) => delays[0] ?? Number.POSITIVE_INFINITY));
const isDouble = ({ orders }: ObserversReport) => new Set(orders.map(({ base }) => base)).size < orders.length;

describe("a claim of fact that all honest nodes make", () => {
  it("is issued within a minute and once, whatever a third opens, submits or withholds, and wherever in a window", () => {
    const reports = runAll({});
    expect(slowest(reports)).toBeLessThan(60);
    expect(reports.filter(isDouble)).toEqual([]);
  });

  it("is issued within a minute where blocks are confirmed after a quarter of an hour", () => {
    for (const looksAt of ["newest", "confirmed"] as const) {
      expect(slowest(runAll({ ...lateFinality, looksAt, startSeconds: 285 }))).toBeLessThan(60);
    }
  });

  it("is issued within a window although they see it minutes apart, and clocks and boundaries are what they are", () => {
    expect(slowest(runAll({ spreadSeconds: 280 }))).toBeLessThan(WINDOW_SECONDS);
  });

  it("is one motion if nobody is hostile, and seldom a second at a boundary, with one order all the same", () => {
    const reports = runAll({}, ["silent"]);
    const second = reports.filter(({ motionsOfHonest }) => motionsOfHonest !== 1);
    expect(second.length).toBeLessThanOrEqual(reports.length / 10);
    expect(second.filter(({ motionsOfHonest }) => motionsOfHonest !== 2)).toEqual([]);
    expect(new Set(reports.map((report) => report.orders.length))).toEqual(new Set([1]));
  });

  it("makes no difference by joining open motions of earlier windows", () => {
    const reports = runAll({ joinsOpen: true });
    expect(slowest(reports)).toBeLessThan(60);
    expect(reports.filter(isDouble)).toEqual([]);
  });
});

describe("a vote that closes with its period instead of its window", () => {
  const rules: MotionRules = { ...claims, closes: "period" };

  it("is held up by a node that opens each attempt first, if the period is short and confirmation late", () => {
    const late = { ...lateFinality, looksAt: "confirmed" } as const;
    const short = { ...rules, votingPeriod: 20 };
    expect(slowest(runAll({ ...late, rules: short }, ["spend"]))).toBeGreaterThan(2 * WINDOW_SECONDS);
    expect(slowest(runAll({ ...late, rules: { ...short, closes: "window" } }, ["spend"]))).toBeLessThan(60);
  });

  it("lets old ballots decide an hour after the fault has ended", () => {
    const ended = { endsAfterSeconds: 8, limitSeconds: 5_000, startSeconds: 0 };
    const last = (each: MotionRules) =>
      Math.max(...runAll({ ...ended, rules: each }, ["hoard"]).flatMap((report) => report.orders.map(({ at }) => at)));
    expect(last(rules)).toBeGreaterThan(3_600);
    expect(last(claims)).toBeLessThan(2 * WINDOW_SECONDS);
  });
});

describe("at most one order on one base", () => {
  /** Nodes sign again in the next window, because they do not see yet that the order was issued. */
  const again = { ...lateFinality, limitSeconds: 1_500, startSeconds: 140 };

  it("is issued, and two would be without the base", () => {
    expect(runAll({ ...again, rules: { ...claims, checksBase: false } }, ["hoard"]).filter(isDouble)).not.toEqual([]);
    expect(runAll(again, ["hoard", "random"]).filter(isDouble)).toEqual([]);
  });
});

describe("an order on a track where one may vote Against", () => {
  it("is issued soon after the voting delay", () => {
    const reports = runAll({ rules: orders });
    expect(slowest(reports)).toBeLessThan(60 + 60);
    expect(reports.filter(isDouble)).toEqual([]);
  });

  it("is held up for a voting period if nodes that see no reason yet vote Against at once, and not if they wait", () => {
    const split = { rules: orders, spreadSeconds: 200 };
    expect(slowest(runAll({ ...split, against: "atOnce", startSeconds: 140 }, ["spend"]))).toBeGreaterThan(1_000);
    expect(slowest(runAll(split))).toBeLessThan(120);
  });

  it("is held up with a short period if nodes look at confirmed blocks for motions, and not at the newest", () => {
    const brief = { ...lateFinality, rules: { ...orders, votingDelay: 0, votingPeriod: 60 }, limitSeconds: 1_800 };
    expect(slowest(runAll({ ...brief, startSeconds: 298, looksAt: "confirmed" }, ["spend"]))).toBeGreaterThan(600);
    expect(slowest(runAll({ ...brief, startSeconds: 298 }))).toBeLessThan(120);
  });
});

describe("an order that failed", () => {
  it("is given again after a wait that doubles up to an hour, and takes no longer than the first", () => {
    const reports = runAll({ failures: 3, startSeconds: 140, limitSeconds: 1_200 });
    expect(reports.filter(({ delays }) => delays.length < 4)).toEqual([]);
    expect(Math.max(...reports.flatMap(({ delays }) => delays))).toBeLessThan(90);
    expect([1, 2, 3, 8, 20].map(backOff)).toEqual([30, 60, 120, 3_600, 3_600]);
  });
});
