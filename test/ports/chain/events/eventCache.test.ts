import { id } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createEventCache, type EventCacheSource } from "../../../../src/ports/chain/events/eventCache.js";
import { type Chain, type ChainEventOf, createChain } from "../../../../src/ports/chain/index.js";
import { omitLogs } from "../../../faults/rpcFaults.js";
import { type RpcProxy, startRpcProxy } from "../../../faults/rpcProxy.js";
import { SleeplessClock } from "../../../harness/clock.js";
import { deployWitan, type Witan } from "../../../harness/deploy.js";

/** A chain of which only its length and its anchors matter; the real one is used in every other test. */
function chainOf(blocks: { head: number; sequence: (block: number) => number }) {
  const asked: [number, number][] = [];
  const events = async ({ fromBlock = 0, toBlock = 0 }: { fromBlock?: number; toBlock?: number }) => {
    asked.push([fromBlock, toBlock]);
    const numbers = Array.from({ length: toBlock - fromBlock + 1 }, (_, i) => fromBlock + i);
    return numbers.map((blockNumber) => {
      const sequence = blocks.sequence(blockNumber);
      return { blockNumber, blockHash: `0x${blockNumber}/${sequence}`, logIndex: 0, args: { sequence } };
    });
  };
  const chain = { deployedAtBlock: 1, blockNumber: async () => blocks.head, events };
  return { chain: chain as unknown as EventCacheSource, asked };
}
const numbersOf = (events: readonly ChainEventOf<"Anchored">[]) => events.map(({ blockNumber }) => blockNumber);
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("the event cache", () => {
  it("reads each block once, the last ones, which may still change, again, and all a last time when they are deep", async () => {
    const blocks = { head: 90, sequence: () => 0 };
    const { chain, asked } = chainOf(blocks);
    const cache = createEventCache(chain, ["Anchored"]);
    expect(numbersOf(await cache.read())).toEqual(upTo(90));
    blocks.head = 95;
    expect(numbersOf(await cache.read())).toEqual(upTo(95));
    blocks.head = 96;
    expect(numbersOf(await cache.read())).toEqual(upTo(96));
    blocks.head = 100;
    expect(numbersOf(await cache.read())).toEqual(upTo(100));
    expect(asked).toEqual([
      [1, 90],
      [59, 95],
      [64, 96],
      [1, 32],
      [65, 100],
    ]);
  });

  it("reads a long chain's deep blocks again in stretches, and none that it has dropped", async () => {
    const blocks = { head: 3_000, sequence: () => 0 };
    const { chain, asked } = chainOf(blocks);
    const cache = createEventCache(chain, ["Anchored"], 2_000);
    for (let i = 0; i < 4; i++) await cache.read();
    expect(asked.filter(([, last]) => last < 3_000)).toEqual([
      [1_001, 2_000],
      [2_001, 2_936],
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

describe("the event cache over an RPC that is wrong for a moment", () => {
  let witan: Witan;
  let proxy: RpcProxy;
  let chain: Chain;
  let restore: () => Promise<void>;
  beforeAll(async () => {
    witan = await deployWitan({ nodes: 1 });
    proxy = await startRpcProxy(witan.provider);
    const [signer] = witan.operators;
    chain = await createChain({ rpcUrl: proxy.url, ...witan.deployment, signer, clock: new SleeplessClock() });
  });
  beforeEach(async () => {
    restore = await witan.snapshot();
  });
  afterEach(async () => {
    proxy.heal();
    await restore();
  });
  afterAll(async () => {
    chain.close();
    await proxy.close();
  });
  const anchor = async (name: string) =>
    (await chain.send(() => chain.contracts.knowledge.anchor(id(name), 1, id("manifest")))).blockNumber;
  const isAt = (block: number) => (log: { blockNumber: string }) => Number(log.blockNumber) === block;
  const rootsOf = async (cache: ReturnType<typeof cacheOf>) => (await cache.read()).map(({ args }) => args.root);
  const cacheOf = () => createEventCache(chain, ["Anchored"]);

  it("has in the end what the node left out of a deep block, and in order", async () => {
    const first = await anchor("first");
    await anchor("second");
    await witan.mine(20);
    const cache = cacheOf();
    proxy.add(omitLogs(isAt(first), 1));
    expect(await rootsOf(cache)).toEqual([id("second")]);
    await witan.mine(100);
    await rootsOf(cache);
    expect(await rootsOf(cache)).toEqual([id("first"), id("second")]);

    proxy.add(omitLogs(isAt(first), 1));
    expect(await rootsOf(cacheOf())).toEqual([id("first"), id("second")]);
  });

  it.each([null, "0x", "0x0"])("is not spoilt by a node that gives %s for its newest block once", async (number) => {
    await anchor("before");
    const cache = cacheOf();
    await cache.read();
    const heal = proxy.add(async (request, next) =>
      request.method === "eth_blockNumber" ? { result: number } : next(request),
    );
    await expect(cache.read()).rejects.toMatchObject({ retryable: true });
    heal();
    await anchor("after");
    expect(await rootsOf(cache)).toEqual([id("before"), id("after")]);
  });

  it("has what stands in the place of a fork that was longer than the newest blocks", async () => {
    const comeBack = await witan.snapshot();
    await anchor("fork");
    await witan.mine(40);
    const cache = cacheOf();
    expect(await rootsOf(cache)).toEqual([id("fork")]);
    await comeBack();
    await anchor("chain");
    await witan.mine(150);
    expect(await rootsOf(cache)).toEqual([id("chain")]);
  });

  it("keeps what the node leaves out the second time, and reads on while it refuses old logs", async () => {
    const first = await anchor("kept");
    await witan.mine(40);
    const cache = cacheOf();
    expect(await rootsOf(cache)).toEqual([id("kept")]);
    await witan.mine(100);
    proxy.refuse = (method, [filter]) =>
      method === "eth_getLogs" && Number((filter as { fromBlock: string }).fromBlock) <= first
        ? { code: -32_000, message: "history has been pruned for this block" }
        : undefined;
    await anchor("newest");
    expect(await rootsOf(cache)).toEqual([id("kept"), id("newest")]);
    proxy.heal();
    proxy.add(omitLogs(isAt(first)));
    await witan.mine(40);
    expect(await rootsOf(cache)).toEqual([id("kept"), id("newest")]);
  });
});
