/**
 * Presence: who holds whom silent, at which cost, in meshes that lose nodes and messages, are slow, split or hostile.
 *
 * Found, for a period of 5 s, 3 helpers, and 3 checks that wait 2, 5 and 10 s, 15 s apart:
 * - 500 nodes: 82 KB and 22 signature checks a node and minute, against 4.8 MB and 2,994 if all flooded a word every 10 s.
 *   When 40 % die, more than half of all seats hold half of them silent after 68 s and all after 101 s.
 * - Hints must not be believed, nor passed on: who holds a seat silent names it once to all, who check for themselves. With
 *   hints that spread from node to node, a loss of 20 % keeps false ones alive: 2 MB a minute.
 * - Individual errors do not matter: with 20 % loss and every tenth node slow, no more than a tenth of all seats ever hold
 *   the same live one silent, and more than half are needed. Lifeguard's multiplier changes nothing that can be measured. The
 *   doubt that matters is this: a node whose checks fail for half of all seats holds nobody silent. It comes a moment late
 *   after a partition, so a node probes a sample of all seats before it signs, and signs if more than half answer.
 * - Returns in front of a decision cost nothing if a node brings all ballots that it has, and not just as many as are needed.
 */
import { describe, expect, it } from "vitest";
import { PresenceDefaults } from "../../src/agent/presence/defaults.js";
import { seedOf, shortOrLong } from "../harness/soak.js";
import { blocksToDecide, returnsWithin } from "./holdOff.js";
import { floodingCost, type ProbedMesh, ProbedNodes, type ProbingParameters } from "./probing.js";
import { SeededRandom } from "./random.js";

/** Those of the agent, which were found here. */
const recommended: Omit<ProbingParameters, "seats"> = {
  helpers: PresenceDefaults.helpers,
  maxWrongHints: PresenceDefaults.maxWrongHints,
  maxPatience: 1,
  periodSeconds: PresenceDefaults.periodMs / 1_000,
  timeoutsSeconds: PresenceDefaults.timeoutsMs.map((timeoutMs) => timeoutMs / 1_000),
  checkSeconds: PresenceDefaults.checkMs / 1_000,
};
const many = shortOrLong(50, 500);
const seeds = Array.from({ length: shortOrLong(3, 10) }, (_, i) => seedOf(1) + i);

function watch(seats: number, mesh: ProbedMesh, changes: Partial<ProbingParameters> = {}) {
  return seeds.map((seed) =>
    new ProbedNodes({ ...recommended, seats, ...changes }, mesh, new SeededRandom(seed)).run(),
  );
}
const dying: ProbedMesh = { seconds: 240, changesAt: 60, dead: 0.4 };
const one = (seats: number, mesh: ProbedMesh) =>
  new ProbedNodes({ ...recommended, seats }, mesh, new SeededRandom(seedOf(1))).run();

describe("when 40 % of the nodes die at once", () => {
  it("more than half of all seats hold all of them silent within two minutes, so that one motion may name them", () => {
    for (const mesh of [{}, { loss: 0.2 }]) {
      for (const seats of [5, 50]) {
        const last = watch(seats, { ...dying, ...mesh }).map(({ allSeconds }) => allSeconds);
        expect(Math.max(...last)).toBeLessThan(120);
        // Not before a restart could have ended.
        expect(Math.min(...last)).toBeGreaterThan(30);
      }
    }
  });

  it("500 nodes do as well, at a tenth of the cost of flooding and less in a calm minute", () => {
    const { allSeconds, calm, worst } = one(500, { ...dying, seconds: 180 });
    const flooding = floodingCost(500, 10);
    expect(allSeconds).toBeLessThan(120);
    expect(calm.bytes).toBeLessThan(flooding.bytes / 50);
    expect(calm.checks).toBeLessThan(flooding.checks / 100);
    expect(worst.bytes).toBeLessThan(flooding.bytes / 5);
    expect(worst.checks).toBeLessThan(flooding.checks / 10);
  });

  it("takes as long with slow nodes among them, and with a longer period", () => {
    for (const reports of [
      watch(50, { ...dying, loss: 0.2, slow: 0.1 }),
      watch(50, { ...dying, seconds: 300 }, { periodSeconds: 10 }),
    ]) {
      for (const { medianSeconds, lastSeconds } of reports) {
        expect(medianSeconds).toBeLessThan(90);
        expect(lastSeconds).toBeLessThan(180);
      }
    }
  });
});

describe("a live node", () => {
  it("is held silent by a few at most, with a fifth of all messages lost and every tenth node slow", () => {
    for (const [seats, seconds] of [
      [5, 3_600],
      [50, 1_200],
    ] as const) {
      for (const { mostFalse } of watch(seats, { seconds, loss: 0.2, slow: 0.1 })) {
        expect(mostFalse).toBeLessThanOrEqual(Math.max(2, seats / 4));
      }
    }
    for (const { mostFalse } of watch(many, { seconds: 600, loss: 0.2 })) expect(mostFalse).toBeLessThan(many / 8);
  });

  it("is held silent by nobody without loss, however slow some are", () => {
    for (const { falsePerNodeHour } of watch(50, { seconds: 1_200, slow: 0.1 }))
      expect(falsePerNodeHour).toBeLessThan(0.5);
    for (const { mostFalse } of watch(50, { seconds: 1_200 })) expect(mostFalse).toBe(0);
  });

  it("is suspended by no third of liars: they make the others check, and are ignored after that", () => {
    for (const { mostFalse, worst } of watch(50, { seconds: 300, hostile: 0.33 })) {
      expect(mostFalse).toBe(0);
      expect(worst.bytes).toBeLessThan(floodingCost(50, 10).bytes);
    }
  });

  it("of the majority is held silent by fewer of those cut off, if a node that misses half of all seats doubts itself", () => {
    for (const { mostAcross, mostAcrossUndoubting } of watch(50, { seconds: 240, changesAt: 60, cutOff: 0.4 })) {
      expect(mostAcrossUndoubting).toBe(20);
      // For a moment some do not know yet how many they miss: a sample of the seats before signing would tell.
      expect(mostAcross).toBeLessThan(mostAcrossUndoubting);
    }
  });
});

describe("hostile nodes that deny", () => {
  it("block a suspension from that share of all seats on that is missing to half of them", () => {
    const with30Dead = (hostile: number) =>
      watch(50, { ...dying, dead: 0.3, hostile }).map(({ lastSeconds }) => lastSeconds);
    expect(Math.max(...with30Dead(0.18))).toBeLessThan(120);
    expect(Math.min(...with30Dead(0.2))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("hostile nodes that are suspended and return in front of each decision", () => {
  it("have few returns each: five on the first day, nine in eleven days, then one a week", () => {
    const day = 86_400;
    expect([1, 11, 365].map((days) => returnsWithin(days * day))).toMatchInlineSnapshot(`
      [
        5,
        9,
        59,
      ]
    `);
  });

  it("delay nothing if all ballots are brought, and a decision by blocks if just as many as are needed", () => {
    const front = { honest: 334, hostile: 166 } as const;
    expect(blocksToDecide({ ...front, brings: "all" })).toBe(1);
    expect(blocksToDecide({ ...front, brings: "needed" })).toBeGreaterThan(50);
    for (let all = 3; all <= 100; all++) {
      const hostile = Math.floor(all / 3);
      expect(blocksToDecide({ honest: all - hostile, hostile, brings: "all" })).toBe(1);
    }
  });
});
