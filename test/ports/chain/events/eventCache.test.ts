import { describe, expect, it } from "vitest";
import { createEventCache } from "../../../../src/ports/chain/events/eventCache.js";
import type { Chain, ChainEventOf } from "../../../../src/ports/chain/index.js";

/** A chain of which only its length and its anchors matter; the real one is used in every other test. */
function chainOf(blocks: { head: number; sequence: (block: number) => number }) {
  const asked: [number, number][] = [];
  const events = async ({ fromBlock = 0, toBlock = 0 }: { fromBlock?: number; toBlock?: number }) => {
    asked.push([fromBlock, toBlock]);
    const numbers = Array.from({ length: toBlock - fromBlock + 1 }, (_, i) => fromBlock + i);
    return numbers.map((blockNumber) => ({ blockNumber, args: { sequence: blocks.sequence(blockNumber) } }));
  };
  const chain = { deployedAtBlock: 1, blockNumber: async () => blocks.head, events };
  return { chain: chain as unknown as Pick<Chain, "events" | "blockNumber" | "deployedAtBlock">, asked };
}
const numbersOf = (events: readonly ChainEventOf<"Anchored">[]) => events.map(({ blockNumber }) => blockNumber);
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("the event cache", () => {
  it("reads each block once, but for the last ones, which may still change", async () => {
    const blocks = { head: 100, sequence: () => 0 };
    const { chain, asked } = chainOf(blocks);
    const cache = createEventCache(chain, ["Anchored"]);
    expect(numbersOf(await cache.read())).toEqual(upTo(100));
    blocks.head = 110;
    expect(numbersOf(await cache.read())).toEqual(upTo(110));
    expect(asked).toEqual([
      [1, 100],
      [69, 110],
    ]);
  });

  it("forgets what a shorter chain no longer has, and takes what stands in its place", async () => {
    const blocks = { head: 100, sequence: (_: number) => 0 };
    const { chain } = chainOf(blocks);
    const cache = createEventCache(chain, ["Anchored"]);
    await cache.read();
    blocks.head = 90;
    blocks.sequence = (block) => (block > 80 ? 1 : 0);
    const events = await cache.read();
    expect(numbersOf(events)).toEqual(upTo(90));
    expect(events.filter(({ args }) => Number(args.sequence) === 1)).toHaveLength(10);
  });

  it("keeps the newest where there are too many", async () => {
    const { chain } = chainOf({ head: 50, sequence: () => 0 });
    expect(numbersOf(await createEventCache(chain, ["Anchored"], 10).read())).toEqual(upTo(50, 41));
  });

  it("reads together for all that ask at once, yet never gives what is older than the question", async () => {
    const blocks = { head: 10, sequence: () => 0 };
    const { chain, asked } = chainOf(blocks);
    const cache = createEventCache(chain, ["Anchored"]);
    const first = cache.read();
    await Promise.resolve();
    blocks.head = 20;
    const [, ...later] = await Promise.all([first, cache.read(), cache.read(), cache.read()]);
    for (const events of later) expect(numbersOf(events)).toEqual(upTo(20));
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  it("is not spoilt by a reading that failed", async () => {
    const { chain } = chainOf({ head: 5, sequence: () => 0 });
    let fail = true;
    const flaky = {
      ...chain,
      blockNumber: () => (fail ? Promise.reject(new Error("the RPC is away")) : chain.blockNumber()),
    };
    const cache = createEventCache(flaky, ["Anchored"]);
    await expect(cache.read()).rejects.toThrow("away");
    fail = false;
    expect(numbersOf(await cache.read())).toEqual(upTo(5));
  });

  it("says from which block on it has forgotten nothing", async () => {
    const blocks = { head: 100, sequence: () => 0 };
    const cache = createEventCache(chainOf(blocks).chain, ["Anchored"], 40);
    expect(cache.since).toBe(1);
    expect(numbersOf(await cache.read())).toEqual(upTo(100, 61));
    expect(cache.since).toBe(61);
    blocks.head = 130;
    expect(numbersOf(await cache.read())).toEqual(upTo(130, 91));
    expect(cache.since).toBe(91);
  });
});
