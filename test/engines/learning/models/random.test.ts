import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom, shuffle } from "../../../../src/engines/learning/models/random.js";

const seed = fc.integer({ min: 0, max: 0xffff_ffff });

describe("seeded numbers", () => {
  it("are the same for the same seed, and at least 0 and below 1", () => {
    fc.assert(
      fc.property(seed, (seed) => {
        const [a, b] = [seededRandom(seed), seededRandom(seed)];
        for (let i = 0; i < 20; i++) {
          const value = a();
          expect(b()).toBe(value);
          expect(value >= 0 && value < 1).toBe(true);
        }
      }),
    );
  });

  it("differ for different seeds, and spread evenly", () => {
    const firsts = Array.from({ length: 1_000 }, (_, seed) => seededRandom(seed)());
    expect(new Set(firsts).size).toBe(1_000);
    const random = seededRandom(7);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const bucket = Math.floor(random() * 10);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});

describe("a seeded order", () => {
  it("holds the same values, and is the same for the same seed", () => {
    fc.assert(
      fc.property(seed, fc.array(fc.integer()), (seed, values) => {
        const shuffled = shuffle([...values], seededRandom(seed));
        expect([...shuffled].sort()).toEqual([...values].sort());
        expect(shuffle([...values], seededRandom(seed))).toEqual(shuffled);
      }),
    );
  });

  it("puts every value at every place", () => {
    const places = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      shuffle([0, 1, 2, 3], seededRandom(seed)).forEach((value, place) => {
        places.add(`${value}@${place}`);
      });
    }
    expect(places.size).toBe(16);
  });
});
