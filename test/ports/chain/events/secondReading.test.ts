import { describe, expect, it } from "vitest";
import { SecondReading } from "../../../../src/ports/chain/events/secondReading.js";
import { eventOf } from "../../../harness/events.js";

const at = (...blocks: number[]) => blocks.map((blockNumber) => eventOf("Anchored", {}, { blockNumber }));

/** A second reading of a chain with events at some blocks, at most 1,000 blocks a request; `asked` are the ranges. */
function readingOf(blocks: number[], firstBlock = 1) {
  const asked: [number, number][] = [];
  const reader = {
    async read(from: number, to: number) {
      const lastBlock = Math.min(to, from + 999);
      asked.push([from, lastBlock]);
      return { events: at(...blocks).filter(({ blockNumber: n }) => n >= from && n <= lastBlock), lastBlock };
    },
  };
  return { asked, reading: new SecondReading(reader, firstBlock) };
}

const blocksOf = (events: readonly { readonly blockNumber: number }[]) => events.map(({ blockNumber }) => blockNumber);

describe("the second reading of a watch", () => {
  it("gives what the first one lacked, once it is 64 blocks deep", async () => {
    const { asked, reading } = readingOf([5, 20, 40]);
    reading.note(at(5, 40));
    for (let head = 1; head < 96; head++) expect(await reading.advance(head, head)).toEqual([]);
    expect(asked).toEqual([]);
    expect(blocksOf(await reading.advance(96, 96))).toEqual([20]);
    for (let head = 97; head < 128; head++) expect(await reading.advance(head, head)).toEqual([]);
    expect(await reading.advance(128, 128)).toEqual([]);
    expect(asked).toEqual([
      [1, 32],
      [33, 64],
    ]);
  });

  it("keeps up with a watch that reads old blocks, a request for each of its own", async () => {
    const { asked, reading } = readingOf([1_500]);
    expect(await reading.advance(1_000, 10_000)).toEqual([]);
    expect(blocksOf(await reading.advance(2_000, 10_000))).toEqual([1_500]);
    expect(asked).toEqual([
      [1, 1_000],
      [1_001, 2_000],
    ]);
  });

  it("begins again where a reorganisation has begun", async () => {
    const { asked, reading } = readingOf([]);
    await reading.advance(200, 300);
    reading.rewind(150);
    await reading.advance(220, 300);
    expect(asked).toEqual([
      [1, 200],
      [151, 220],
    ]);
  });

  it("reads the same blocks again if it fails", async () => {
    let isDown = true;
    const reader = {
      async read(_: number, lastBlock: number) {
        if (isDown) throw new Error("no connection");
        return { events: at(7), lastBlock };
      },
    };
    const reading = new SecondReading(reader, 1);
    await expect(reading.advance(100, 200)).rejects.toThrow("no connection");
    isDown = false;
    expect(blocksOf(await reading.advance(100, 200))).toEqual([7]);
  });
});
