import { join } from "node:path";
import { id } from "ethers";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { BaseError } from "../../src/errors.js";
import { createEventCache } from "../../src/ports/chain/events/eventCache.js";
import { createChain } from "../../src/ports/chain/index.js";
import { type CatalogDao, createCatalogDao, dump } from "../catalog/testCatalog.js";
import { omitLogs } from "../faults/rpcFaults.js";
import { type RpcProxy, startRpcProxy } from "../faults/rpcProxy.js";
import { recordFork, twoHeads } from "../faults/twoHeads.js";
import { SleeplessClock } from "../harness/clock.js";
import { temporaryFolder } from "../harness/folder.js";

/** A sync gives up after twenty changes of mind: some 280 requests. */
const CYCLES = 6;

describe("an RPC address that stands for two nodes whose heads differ at one height", () => {
  let dao: CatalogDao;
  let proxy: RpcProxy;
  beforeAll(async () => {
    dao = await createCatalogDao(1);
    proxy = await startRpcProxy(dao.witan.provider);
  });
  afterAll(async () => {
    await proxy.close();
    dao.close();
  });

  async function anchor(name: string): Promise<void> {
    const { contracts, provider } = dao.chain;
    const call = await contracts.knowledge.anchor.populateTransaction(id(name), 1, id("manifest"));
    const [operator] = dao.witan.operators;
    const nonce = await provider.getTransactionCount(operator?.address ?? "");
    const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 9n };
    // The same anchor at the same nonce is the same transaction on both forks.
    await operator?.connect(provider).sendTransaction({ ...call, ...fees, nonce, gasLimit: 300_000 });
  }

  it.each([
    ["every request", (count: number) => count % 2 === 1],
    ["every second request", (count: number) => count % 4 > 1],
    ["one request of three", (count: number) => count % 3 === 1],
    ["one request of seven", (count: number) => count % 7 === 3],
  ])(
    "changes its mind with %s, and all that read it have each event of the chain once in the end",
    async (_, isOther) => {
      const chain = await createChain({ rpcUrl: proxy.url, ...dao.witan.deployment, clock: new SleeplessClock() });
      const name = (kind: string) => `${kind} ${isOther}`;
      const roots = (...kinds: string[]) => kinds.map((kind) => id(name(kind)));
      const first = (await dao.chain.blockNumber()) + 1;
      await anchor(name("common"));
      const back = await dao.witan.snapshot();
      for (const kind of ["lost 1", "moved", "lost 2"]) await anchor(name(kind));
      const fork = await recordFork(dao.witan.provider, first + 1);
      await back({ nonces: true });
      for (const kind of ["kept 1", "moved", "kept 2"]) await anchor(name(kind));
      const paths = await Promise.all(["one.db", "other.db"].map(async (file) => join(await temporaryFolder(), file)));
      const [path = "", right = ""] = paths;
      const catalog = await dao.openCatalog({ path, chain, confirmations: 5 });
      const cache = createEventCache(chain, ["Anchored"]);
      const stop = new AbortController();
      onTestFinished(() => {
        stop.abort();
        chain.close();
      });
      const given: unknown[] = [];
      const watching = (async () => {
        const options = { names: ["Anchored"] as const, fromBlock: first, signal: stop.signal };
        for await (const { args } of chain.watch(options)) given.push((args as { root: string }).root);
      })();
      let ended: unknown;
      watching.catch((error) => {
        ended = error;
      });

      const heal = proxy.add(twoHeads(fork, isOther));
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        await catalog.sync().catch(retryableOnly);
        await cache.read().catch(retryableOnly);
      }
      heal();

      await dao.witan.mine(120);
      for (let i = 0; i < 3; i++) await catalog.sync();
      const reference = await dao.openCatalog({ path: right, confirmations: 5 });
      await reference.sync();
      expect(dump(path).anchors).toEqual(dump(right).anchors);
      const expected = roots("common", "kept 1", "moved", "kept 2");
      await cache.read();
      expect(
        (await cache.read()).filter(({ blockNumber }) => blockNumber >= first).map(({ args }) => args.root),
      ).toEqual(expected);
      while (ended === undefined && !expected.every((root) => given.includes(root))) await dao.chain.blockNumber();
      expect(ended).toBeUndefined();
      const lost = roots("lost 1", "lost 2");
      expect(given.filter((root) => !lost.includes(String(root))).toSorted()).toEqual(expected.toSorted());
      expect(new Set(given).size).toBe(given.length);
    },
  );

  it("gives a watcher once what both forks have, though the node left it out of the second one at first", async () => {
    const chain = await createChain({ rpcUrl: proxy.url, ...dao.witan.deployment, clock: new SleeplessClock() });
    const stop = new AbortController();
    onTestFinished(() => {
      stop.abort();
      proxy.heal();
      chain.close();
    });
    const back = await dao.witan.snapshot();
    const fromBlock = (await dao.chain.blockNumber()) + 1;
    await anchor("on both");
    const events = chain.watch({ names: ["Anchored"], fromBlock, signal: stop.signal });
    const next = async () => {
      const { value } = await events.next();
      return value?.name === "Anchored" ? value.args.root : undefined;
    };
    expect(await next()).toBe(id("on both"));
    await back({ nonces: true });
    await dao.witan.mine(1);
    proxy.add(omitLogs(({ blockNumber }) => Number(blockNumber) === fromBlock + 1, 1));
    await anchor("on both");
    await anchor("then");
    expect(await next()).toBe(id("then"));
    await dao.witan.mine(120);
    await anchor("last");
    expect(await next()).toBe(id("last"));
    // The second reading has been by now.
    await anchor("end");
    expect(await next()).toBe(id("end"));
  });

  function retryableOnly(error: BaseError): void {
    if (error.retryable !== true) throw error;
  }
});
