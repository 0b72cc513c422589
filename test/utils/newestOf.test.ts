import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newestOf } from "../../src/utils/newestOf.js";

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("the newest of the events that can be read", () => {
  it("come newest first, as many as were asked for, without those that give nothing", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { maxLength: 60 }),
        fc.integer({ min: 1, max: 70 }),
        async (good, limit) => {
          const events = good.map((isGood, at) => ({ isGood, at }));
          const found = await newestOf(events, limit, async ({ isGood, at }) => (isGood ? at : undefined));
          const all = events.filter(({ isGood }) => isGood).map(({ at }) => at);
          expect(found).toEqual(all.toReversed().slice(0, limit));
        },
      ),
    );
  });

  it("come in their order, however long each takes to read", async () => {
    const gates = new Map<number, () => void>();
    const found = newestOf(upTo(3), 3, (event) => new Promise<number>((done) => gates.set(event, () => done(event))));
    await expect.poll(() => gates.size).toBe(3);
    for (const event of upTo(3)) gates.get(event)?.();
    expect(await found).toEqual([2, 1, 0]);
  });

  it("are read without reading the old ones: no more than 16 after the last that was wanted", async () => {
    const read: number[] = [];
    await newestOf(upTo(100), 5, async (event) => {
      read.push(event);
      return event;
    });
    expect([read.length, Math.min(...read)]).toEqual([16, 84]);
  });

  it("are nothing of no events, and none of any where no number is wanted", async () => {
    expect(await newestOf([], 5, async () => 1)).toEqual([]);
    expect(await newestOf(upTo(3), 0, async () => 1)).toEqual([]);
  });

  it("keep values that are false, null or zero: only undefined is left out", async () => {
    const values = [0, null, false, undefined, ""];
    expect(await newestOf(values, 9, async (value) => value)).toEqual(["", false, null, 0]);
  });

  it("are not found if one cannot be read", async () => {
    const reading = newestOf(upTo(3), 3, async (event) => {
      if (event === 1) throw new Error("the node is away");
      return event;
    });
    await expect(reading).rejects.toThrow("the node is away");
  });
});
