import { AbiCoder, id, toBeHex } from "ethers";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createDecoder } from "../../../../src/ports/chain/events/event.js";
import {
  type Chain,
  contractInterfaces,
  createChain,
  createEventFeed,
  readHeader,
} from "../../../../src/ports/chain/index.js";
import type { Hex } from "../../../../src/records/index.js";
import {
  dropAnswers,
  forkLogs,
  limited,
  omitLogs,
  receiptsWithoutBlock,
  reorderLogs,
  repeatLogs,
  smallRanges,
} from "../../../faults/rpcFaults.js";
import { type RpcProxy, startRpcProxy } from "../../../faults/rpcProxy.js";
import { SleeplessClock } from "../../../harness/clock.js";
import { deployWitan, type HardhatNode, startHardhatNode, type Witan } from "../../../harness/deploy.js";

let node: HardhatNode;
let witan: Witan;
let proxy: RpcProxy;
let chain: Chain;
let read: Chain;

beforeAll(async () => {
  node = await startHardhatNode();
  witan = await deployWitan({ nodes: 1, node });
  proxy = await startRpcProxy(node.rpcUrl);
  chain = await createChain({ rpcUrl: node.rpcUrl, ...witan.deployment, signer: witan.operators[0] });
  read = await createChain({ rpcUrl: proxy.url, ...witan.deployment, timeoutMs: 2_000, clock: new SleeplessClock() });
  for (let i = 0; i < 30; i++) {
    await chain.send(() => chain.contracts.knowledge.anchor(id(`root ${i}`), i + 1, id(`manifest ${i}`)));
    if (i % 4 === 0) await witan.mine(3);
  }
});
afterAll(async () => {
  read.close();
  chain.close();
  await proxy.close();
  await node.close();
});

async function collect(options: { targetEvents?: number; maxBlocks?: number } = {}) {
  const feed = createEventFeed(read, { names: ["Anchored", "NodeAdmitted"], ...options });
  const head = await read.blockNumber();
  const chunks = [];
  for await (const chunk of feed.chunks(0, head)) chunks.push(chunk);
  return chunks;
}

describe("the feed", () => {
  it("gives what events() gives, in chunks without a gap, with each block's hash and time", async () => {
    const expected = await chain.events({ names: ["Anchored", "NodeAdmitted"] });
    for (const options of [{}, { maxBlocks: 1 }, { maxBlocks: 7 }, { targetEvents: 2 }]) {
      const chunks = await collect(options);
      expect(chunks.flatMap(({ events }) => events)).toEqual(expected);
      let next = 0;
      let hash: Hex | undefined;
      for (const { fromBlock, last, parentHash } of chunks) {
        expect([fromBlock, parentHash]).toEqual([next, hash]);
        [next, hash] = [last.number + 1, last.hash];
      }
      expect(next).toBe((await chain.blockNumber()) + 1);
      for (const { number, hash, time } of chunks.flatMap(({ blocks }) => blocks)) {
        const block = await chain.provider.send("eth_getBlockByNumber", [toBeHex(number).replace(/^0x0/, "0x"), false]);
        expect([hash, time]).toEqual([block.hash, Number(block.timestamp)]);
      }
    }
  });

  it("asks for less where the endpoint refuses, and not for as much again", async () => {
    const heal = proxy.add(smallRanges(8));
    proxy.requests.length = 0;
    const chunks = await collect();
    heal();
    expect(chunks.flatMap(({ events }) => events)).toHaveLength(31);
    const ranges = proxy.requests.flatMap(({ method, params: [filter] }) => {
      if (method !== "eth_getLogs") return [];
      const { fromBlock, toBlock } = filter as { fromBlock?: string; toBlock?: string };
      return fromBlock === undefined ? [] : [Number(toBlock) - Number(fromBlock) + 1];
    });
    // Those that were under way found out by themselves; nothing that was planned later asked for more.
    expect(ranges[0]).toBeGreaterThan(8);
    const lastRefused = ranges.findLastIndex((range) => range > 8);
    expect(lastRefused).toBeLessThan(ranges.length - 1);
    expect(ranges.filter((range) => range > 8).length).toBeLessThan(10);
  });

  it("gives up on what a single block refuses, and keeps a failure until it is asked for", async () => {
    proxy.refuse = (method) => (method === "eth_getLogs" ? { code: -32_000, message: "no logs here" } : undefined);
    await expect(collect()).rejects.toMatchObject({ code: "rpc-error" });
    proxy.refuse = undefined;
  });

  it("knows no block above the newest, and the finalized one where the node does", async () => {
    expect(await readHeader(read, 1_000_000)).toBeUndefined();
    const latest = await readHeader(read, "latest");
    expect((await readHeader(read, latest?.number ?? 0))?.hash).toBe(latest?.hash);
    expect((await readHeader(read, "finalized"))?.number).toBeLessThanOrEqual(latest?.number ?? 0);
    for (const message of ["invalid block tag", "finalized block not found", "unsupported block parameter"]) {
      proxy.refuse = (_, [tag]) => (tag === "finalized" ? { code: -32_602, message } : undefined);
      expect(await readHeader(read, "finalized")).toBeUndefined();
    }
    proxy.refuse = undefined;
  });

  it("does not take a node that is busy for one that calls nothing final", async () => {
    proxy.refuse = (_, [tag]) => (tag === "finalized" ? { code: -32_005, message: "limit exceeded" } : undefined);
    await expect(readHeader(read, "finalized")).rejects.toMatchObject({ code: "rpc-limited" });
    proxy.refuse = undefined;
  });
});

describe("the feed over an RPC that is wrong for a moment", () => {
  let other: RpcProxy;
  /** Reads from the proxy, and compares with another address. */
  let both: Chain;
  beforeAll(async () => {
    other = await startRpcProxy(node.rpcUrl);
    const rpcUrl = [proxy.url, other.url];
    both = await createChain({ rpcUrl, ...witan.deployment, clock: new SleeplessClock() });
  });
  afterEach(() => {
    proxy.heal();
    other.heal();
  });
  afterAll(async () => {
    both.close();
    await other.close();
  });
  const isAt = (block: number) => (log: { blockNumber: string }) => Number(log.blockNumber) === block;
  const logRequests = () => proxy.methods.filter((method) => method === "eth_getLogs").length;

  it("gives each event once and in order, though logs are repeated and mixed up", async () => {
    const expected = await chain.events({ names: ["Anchored", "NodeAdmitted"] });
    proxy.add(repeatLogs());
    proxy.add(reorderLogs());
    expect((await collect()).flatMap(({ events }) => events)).toEqual(expected);
    expect(await read.events({ names: ["Anchored", "NodeAdmitted"] })).toEqual(expected);
  });

  it("sends no more requests because it is asked to wait, and no smaller ones", async () => {
    await collect({ maxBlocks: 10 });
    const usual = logRequests();
    proxy.heal();
    // Refuses every other request, by turns.
    for (const retryAfter of [undefined, 1]) {
      const limit = limited({ allowed: 1, retryAfter, methods: ["eth_getLogs"] });
      proxy.add(async (request, next) => {
        const reply = await limit.fault(request, next);
        if (!("result" in reply)) limit.reset();
        return reply;
      });
      const chunks = await collect({ maxBlocks: 10 });
      expect(chunks.flatMap(({ events }) => events)).toHaveLength(31);
      expect(limit.refused).toBeGreaterThan(0);
      expect(logRequests()).toBe(usual + limit.refused);
      proxy.heal();
    }
  });

  it("asks again for the newest block's logs if its header says that there are some", async () => {
    const { blockNumber } = await chain.send(() => chain.contracts.knowledge.anchor(id("newest"), 1, id("manifest")));
    proxy.add(omitLogs(isAt(blockNumber), 1));
    const events = (await collect()).flatMap((chunk) => chunk.events);
    expect(events.at(-1)).toMatchObject({ name: "Anchored", blockNumber, args: { root: id("newest") } });
  });

  it.each([null, "0x", "0x0", `0x${"00".repeat(256)}`])(
    "gives what the logs say though the headers have %s for their blooms",
    async (logsBloom) => {
      const expected = await chain.events({ names: ["Anchored", "NodeAdmitted"] });
      proxy.add(async (request, next) => {
        const reply = await next(request);
        if (request.method !== "eth_getBlockByNumber" || !("result" in reply) || reply.result === null) return reply;
        return { result: { ...reply.result, logsBloom } };
      });
      expect((await collect()).flatMap(({ events }) => events)).toEqual(expected);
    },
  );

  it("asks no smaller ranges of a node that has not come so far", async () => {
    await collect({ maxBlocks: 10 });
    const usual = logRequests();
    proxy.heal();
    proxy.refuse = (method) =>
      method === "eth_getLogs"
        ? { code: -32_602, message: "block range extends beyond current head block: requested 90, head 88" }
        : undefined;
    for (let tried = 0; tried < 3; tried++)
      await expect(collect({ maxBlocks: 10 })).rejects.toMatchObject({ kind: "rpc-behind" });
    proxy.heal();
    expect((await collect({ maxBlocks: 10 })).flatMap(({ events }) => events).length).toBeGreaterThan(30);
    // One or two that were under way may arrive after the node was healed; ranges of half the size would be twice as many.
    expect(logRequests()).toBeLessThan(usual + 3);
    expect(usual).toBeGreaterThan(4);
  });

  it("takes from another address what the first one leaves out, and nothing that this one does not know", async () => {
    const expected = await chain.events({ names: ["Anchored", "NodeAdmitted"] });
    const omitted = expected[20]?.blockNumber ?? 0;
    proxy.add(receiptsWithoutBlock(1));
    proxy.add(omitLogs(isAt(omitted)));
    other.add(async (request, next) => {
      const reply = await next(request);
      if (request.method !== "eth_getLogs" || !("result" in reply)) return reply;
      const [first, ...rest] = reply.result as { logIndex: string }[];
      return { result: first === undefined ? [] : [first, { ...first, logIndex: "0x99" }, ...rest] };
    });
    expect(await both.events({ names: ["Anchored", "NodeAdmitted"] })).toEqual(expected);
    expect(await read.events({ names: ["Anchored", "NodeAdmitted"] })).toHaveLength(expected.length - 1);
  });

  it("is content with one address while the other one fails or refuses", async () => {
    const expected = await chain.events({ names: ["Anchored"] });
    other.refuse = () => ({ code: -32_000, message: "no logs here" });
    expect(await both.events({ names: ["Anchored"] })).toEqual(expected);
    other.mode = "garbage";
    expect(await both.events({ names: ["Anchored"] })).toEqual(expected);
  });

  it("reads on after an answer was lost", async () => {
    proxy.add(dropAnswers("eth_getLogs", 1));
    await expect(collect()).rejects.toMatchObject({ kind: "rpc-unreachable", retryable: true });
    expect((await collect()).flatMap(({ events }) => events).length).toBeGreaterThan(30);
  });

  it("ends early on logs of a block that is not in the chain", async () => {
    const chunks = await collect();
    proxy.add(forkLogs(1));
    const feed = createEventFeed(read, { names: ["Anchored"] });
    const { number } = chunks.at(-1)?.last ?? { number: 0 };
    expect(await feed.chunk(number - 20, number)).toBeUndefined();
    expect((await feed.chunk(number - 20, number))?.events.length).toBeGreaterThan(0);
  });
});

describe("fixed-offset decoding", () => {
  const word = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`);
  const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const coder = AbiCoder.defaultAbiCoder();
  const at = {
    blockNumber: "0x10",
    blockHash: id("b") as Hex,
    transactionHash: id("t") as Hex,
    logIndex: "0x2",
  } as const;

  it("gives exactly what the ABI gives", () => {
    const { addresses } = chain;
    const decode = createDecoder(addresses);
    const { KnowledgeRegistry, DirectiveRegistry } = contractInterfaces;
    fc.assert(
      fc.property(word, word, word, uint64, uint64, fc.integer({ min: 0, max: 3 }), (a, b, c, m, n, report) => {
        const author = `0x${a.slice(-40)}`;
        const topic = `0x${"0".repeat(24)}${author.slice(2)}`;
        const anchored = {
          topics: [id("Anchored(address,bytes32,uint64,uint64,bytes32)"), topic, b],
          data: coder.encode(["uint64", "uint64", "bytes32"], [m, n, c]),
        };
        const parsed = KnowledgeRegistry.parseLog(anchored)?.args.toObject();
        expect(decode({ ...at, address: addresses.KnowledgeRegistry, ...anchored })).toMatchObject({
          name: "Anchored",
          args: parsed,
        });

        const reported = {
          topics: [id("DirectiveReported(bytes32,address,uint8,bytes32)"), b, topic, toBeHex(report, 32)],
          data: c,
        };
        const told = DirectiveRegistry.parseLog(reported)?.args.toObject();
        expect(decode({ ...at, address: addresses.DirectiveRegistry, ...reported })).toMatchObject({
          name: "DirectiveReported",
          args: told,
        });
      }),
      { numRuns: 300 },
    );
  });

  it("takes no other contract's event for one of ours", () => {
    const decode = createDecoder(chain.addresses);
    const log = {
      ...at,
      topics: [id("Anchored(address,bytes32,uint64,uint64,bytes32)"), toBeHex(1, 32), id("r")],
      data: `0x${"00".repeat(96)}`,
    };
    expect(decode({ ...log, address: chain.addresses.KnowledgeRegistry })).toBeDefined();
    expect(decode({ ...log, address: chain.addresses.NodeGovernor })).toBeUndefined();
    expect(decode({ ...log, address: `0x${"99".repeat(20)}` })).toBeUndefined();
  });
});
