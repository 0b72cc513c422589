import { id } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BaseError } from "../../../../src/errors.js";
import { type Chain, type ChainEvent, createChain, type WatchOptions } from "../../../../src/ports/chain/index.js";
import { forkHeader, omitLogs, repeatLogs, stuckAt } from "../../../faults/rpcFaults.js";
import { type RpcProxy, startRpcProxy } from "../../../faults/rpcProxy.js";
import { TestClock } from "../../../harness/clock.js";
import { deployWitan, type HardhatNode, startHardhatNode, type Witan } from "../../../harness/deploy.js";

describe("chain.watch", () => {
  let node: HardhatNode;
  let proxy: RpcProxy;
  let witan: Witan;
  let chain: Chain;
  let watched: Chain;
  /** As `watched`, but reads more blocks at once. */
  let wide: Chain;
  let restore: () => Promise<void>;
  let stop: AbortController;
  let errors: BaseError[];
  const clock = new TestClock();

  beforeAll(async () => {
    node = await startHardhatNode();
    witan = await deployWitan({ nodes: 1, node });
    proxy = await startRpcProxy(node.rpcUrl);
    const [signer] = witan.operators;
    chain = await createChain({ rpcUrl: node.rpcUrl, ...witan.deployment, signer, pollMs: 5 });
    watched = await createChain({
      rpcUrl: proxy.url,
      ...witan.deployment,
      pollMs: 5,
      timeoutMs: 2_000,
      blockRange: 3,
      clock,
    });
    wide = await createChain({ rpcUrl: proxy.url, ...witan.deployment, pollMs: 5, clock });
  });
  afterAll(async () => {
    wide.close();
    chain.close();
    watched.close();
    await proxy.close();
    await node.close();
  });
  beforeEach(async () => {
    restore = await witan.snapshot();
    stop = new AbortController();
    errors = [];
    proxy.heal();
  });
  afterEach(async () => {
    stop.abort();
    await restore();
  });

  const anchor = (name: string) =>
    chain.send(() => chain.contracts.knowledge.anchor(id(name), 1, id(`manifest of ${name}`)));
  const watch = (options: WatchOptions = {}) =>
    watched.watch({
      names: ["Anchored"],
      signal: stop.signal,
      onError: (error) => void errors.push(error),
      ...options,
    });
  const rootOf = (event: ChainEvent | undefined) => (event?.name === "Anchored" ? event.args.root : undefined);
  async function take(events: AsyncGenerator<ChainEvent>, count: number): Promise<ChainEvent[]> {
    const taken: ChainEvent[] = [];
    while (taken.length < count) {
      const { value, done } = await events.next();
      if (done === true) break;
      taken.push(value);
    }
    return taken;
  }
  const rootsOf = (events: ChainEvent[]) => events.map(rootOf);
  const ids = (...names: string[]) => names.map((name) => id(name));

  it("gives what was before and what comes, in order, each once", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) await anchor(name);
    const events = watch();
    expect(rootsOf(await take(events, 5))).toEqual(ids("a", "b", "c", "d", "e"));
    const next = events.next();
    await anchor("f");
    expect(rootOf((await next).value as ChainEvent)).toBe(id("f"));
    expect(errors).toEqual([]);
  });

  it("goes on after a cursor, within a block too", async () => {
    const all = watched.watch({ signal: stop.signal });
    const genesis = await take(all, 6);
    const third = genesis[2];
    const rest = await take(
      watched.watch({ signal: stop.signal, ...(third === undefined ? {} : { cursor: third }) }),
      3,
    );
    expect(rest).toEqual(genesis.slice(3));
  });

  it("waits for as many confirmations as it is told", async () => {
    await anchor("deep");
    const events = watch({ confirmations: 3 });
    const next = events.next();
    let given = false;
    void next.then(() => {
      given = true;
    });
    await witan.mine(1);
    const polled = proxy.methods.length;
    while (proxy.methods.length < polled + 8) await chain.blockNumber();
    expect(given).toBe(false);
    await witan.mine(1);
    expect(rootOf((await next).value as ChainEvent)).toBe(id("deep"));
  });

  it.each(["unavailable", "hang up", "garbage"] as const)(
    "waits out an RPC that is %s, and misses nothing",
    async (mode) => {
      await anchor("before");
      const events = watch();
      await take(events, 1);
      proxy.mode = mode;
      const next = events.next();
      // A root may be anchored once: the names must differ even when nothing else happened between two anchors.
      for (let i = 0; errors.length < 3; i++) await anchor(`during ${i}`);
      const during = await chain.events({ names: ["Anchored"] });
      expect(errors.every((error) => error.retryable)).toBe(true);
      proxy.mode = "pass";
      const first = (await next).value as ChainEvent;
      const others = await take(events, during.length - 2);
      expect(rootsOf([first, ...others])).toEqual(rootsOf(during.slice(1)));
    },
  );

  it.each([-1, 1])("goes on when the wall clock is stepped by %d h", async (hours) => {
    const events = watch();
    await anchor("before");
    expect(rootsOf(await take(events, 1))).toEqual(ids("before"));
    proxy.mode = "unavailable";
    const next = events.next();
    while (errors.length < 2) await chain.blockNumber();
    clock.stepWall(hours * 3_600_000);
    proxy.mode = "pass";
    await anchor("after");
    expect(rootOf((await next).value as ChainEvent)).toBe(id("after"));
  });

  it("does not give what a reorganisation took before it was confirmed", async () => {
    const events = watch({ confirmations: 2 });
    const back = await witan.snapshot();
    await anchor("orphaned");
    const next = events.next();
    await back();
    await anchor("instead");
    await witan.mine();
    expect(rootOf((await next).value as ChainEvent)).toBe(id("instead"));
  });

  it("gives what stands in the place of a reorganised block, and nothing twice", async () => {
    await anchor("kept");
    const events = watch();
    const back = await witan.snapshot();
    const raw = await signedAnchor("moved");
    await send(raw);
    await anchor("orphaned");
    expect(rootsOf(await take(events, 3))).toEqual(ids("kept", "moved", "orphaned"));

    const next = events.next();
    await back({ nonces: true });
    await witan.mine();
    await send(raw);
    // By another process: this one's would send its orphan again.
    const [signer] = witan.operators;
    const other = await createChain({ rpcUrl: node.rpcUrl, ...witan.deployment, signer, pollMs: 5 });
    await other.send(() => other.contracts.knowledge.anchor(id("instead"), 1, id("manifest of instead")));
    other.close();
    expect(rootOf((await next).value as ChainEvent)).toBe(id("instead"));
    expect(errors.map((error) => error.code)).toContain("reorganised");
  });

  it("ends with an error where the chain changed before its cursor", async () => {
    const back = await witan.snapshot();
    await anchor("forgotten");
    const [cursor] = await take(watch(), 1);
    await back();
    await anchor("another");
    await expect(take(watch(cursor === undefined ? {} : { cursor }), 1)).rejects.toMatchObject({
      code: "reorg-too-deep",
    });
  });

  it.each([
    ["without", false],
    ["with", true],
  ])("waits for an RPC that is behind its cursor, %s a block of its own below", async (_, isKnown) => {
    if (isKnown) await anchor("before");
    await anchor("read");
    await witan.mine(2);
    const events = watch();
    const taken = await take(events, isKnown ? 2 : 1);
    const cursor = taken.at(-1);
    const heal = proxy.add(stuckAt((cursor?.blockNumber ?? 0) - 1));
    const next = isKnown ? events.next() : watch(cursor === undefined ? {} : { cursor }).next();
    while (errors.length < 3) await chain.blockNumber();
    await anchor("after");
    heal();
    expect(rootOf((await next).value as ChainEvent)).toBe(id("after"));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["rpc-behind"]));
  });

  it("does not take one false answer for a reorganisation", async () => {
    await anchor("read");
    const [cursor] = await take(watch(), 1);
    proxy.add(forkHeader(cursor?.blockNumber ?? 0));
    const next = watch(cursor === undefined ? {} : { cursor }).next();
    await anchor("after");
    expect(rootOf((await next).value as ChainEvent)).toBe(id("after"));
    expect(errors.map(({ code }) => code)).toEqual(["rpc-error"]);
  });

  it("gives late what the RPC left out at first, and nothing twice", async () => {
    await anchor("kept");
    const { blockNumber } = await anchor("left out");
    await witan.mine(1);
    proxy.add(omitLogs((log) => Number(log.blockNumber) === blockNumber, 1));
    proxy.add(repeatLogs());
    const events = wide.watch({ names: ["Anchored"], signal: stop.signal });
    expect(rootsOf(await take(events, 1))).toEqual(ids("kept"));
    const next = events.next();
    await anchor("new");
    expect(rootOf((await next).value as ChainEvent)).toBe(id("new"));
    const late = events.next();
    await witan.mine(100);
    expect(rootOf((await late).value as ChainEvent)).toBe(id("left out"));
    const last = events.next();
    await anchor("last");
    expect(rootOf((await last).value as ChainEvent)).toBe(id("last"));
  });

  it("ends when it is told to, also while it waits", async () => {
    const events = watch();
    const next = events.next();
    stop.abort();
    expect(await next).toEqual({ value: undefined, done: true });
    expect((await watch().next()).done).toBe(true);
  });

  async function signedAnchor(name: string): Promise<string> {
    const { knowledge } = chain.contracts;
    const [operator] = witan.operators;
    if (operator === undefined) throw new Error("the fixture has an operator");
    const call = await knowledge.anchor.populateTransaction(id(name), 1, id(`manifest of ${name}`));
    return operator.signTransaction({
      ...call,
      chainId: witan.chainId,
      type: 2,
      gasLimit: 200_000,
      maxFeePerGas: 10n ** 10n,
      maxPriorityFeePerGas: 10n ** 9n,
      nonce: await chain.provider.getTransactionCount(operator.address),
    });
  }
  const send = (raw: string) => chain.provider.send("eth_sendRawTransaction", [raw]);
});
