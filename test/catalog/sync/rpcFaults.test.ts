import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Catalog } from "../../../src/catalog/index.js";
import { type Chain, createChain } from "../../../src/ports/chain/index.js";
import { forkHeader, omitLogs, reorderLogs, repeatLogs, stuckAt } from "../../faults/rpcFaults.js";
import { type RpcProxy, startRpcProxy } from "../../faults/rpcProxy.js";
import { SleeplessClock } from "../../harness/clock.js";
import { anchorStates, type CatalogDao, createCatalogDao } from "../testCatalog.js";

describe("a catalog over an RPC that is wrong for a moment", () => {
  let dao: CatalogDao;
  let proxy: RpcProxy;
  let chain: Chain;
  let catalog: Catalog;
  let restore: () => Promise<void>;
  let cycle = 0;

  beforeAll(async () => {
    dao = await createCatalogDao(1);
    proxy = await startRpcProxy(dao.witan.provider);
    chain = await createChain({ rpcUrl: proxy.url, ...dao.witan.deployment, clock: new SleeplessClock() });
  });
  beforeEach(async () => {
    restore = await dao.witan.snapshot();
    catalog = await dao.openCatalog({ chain, confirmations: 5 });
  });
  afterEach(async () => {
    proxy.heal();
    await restore();
  });
  afterAll(async () => {
    chain.close();
    await proxy.close();
    dao.close();
  });

  const anchor = async () => (await anchorStates(dao.client(), ++cycle)).blockNumber;
  const blocksOf = async () =>
    (await catalog.listRecords({ limit: 1_000 })).records.map(({ anchor: { blockNumber } }) => blockNumber).reverse();

  it("has in the end what was left out once, and each record once and in order", async () => {
    const blocks = [await anchor(), await anchor(), await anchor()];
    await dao.witan.mine(1);
    proxy.add(omitLogs((log) => Number(log.blockNumber) === blocks[1], 1));
    proxy.add(repeatLogs());
    proxy.add(reorderLogs());
    await catalog.sync();
    expect(await blocksOf()).toEqual([blocks[0], blocks[2]]);
    await dao.witan.mine(40);
    expect(await catalog.sync()).toMatchObject({ undoneBlocks: 0 });
    expect(await blocksOf()).toEqual(blocks);
  });

  it("takes nothing back because the node is behind, or lies once about a block", async () => {
    const block = await anchor();
    await catalog.sync();
    const heal = proxy.add(stuckAt(block - 1));
    expect(await catalog.sync()).toMatchObject({ undoneBlocks: 0 });
    heal();
    proxy.add(forkHeader(block));
    await expect(catalog.sync()).rejects.toMatchObject({ code: "rpc-error", retryable: true });
    expect(await catalog.sync()).toMatchObject({ undoneBlocks: 0 });
    expect(await blocksOf()).toEqual([block]);
  });

  it("has each record once though the node gives logs of the fork that it left, marked as removed", async () => {
    const block = await anchor();
    proxy.add(async (request, next) => {
      const reply = await next(request);
      if (request.method !== "eth_getLogs" || !("result" in reply)) return reply;
      const logs = reply.result as object[];
      return { result: logs.flatMap((log) => [{ ...log, blockHash: `0x${"ab".repeat(32)}`, removed: true }, log]) };
    });
    await catalog.sync();
    expect(await blocksOf()).toEqual([block]);
  });

  it("calls nothing final above the head, and what is final stays so, though the node says otherwise", async () => {
    const following = await dao.openCatalog({ chain, confirmations: "finalized" });
    const block = await anchor();
    let ahead = 10;
    proxy.add(async (request, next) => {
      if (request.params[0] !== "finalized") return next(request);
      const reply = await next({ ...request, params: ["latest", false] });
      if (!("result" in reply)) return reply;
      const header = reply.result as { number: string };
      return { result: { ...header, number: `0x${(Number(header.number) + ahead).toString(16)}` } };
    });
    const statusOf = async () =>
      (await following.listRecords({ limit: 10 })).records.map(({ anchor: { blockNumber, confirmed } }) => [
        blockNumber,
        confirmed,
      ]);
    await following.sync();
    expect(await statusOf()).toEqual([[block, true]]);
    ahead = -3;
    await following.sync();
    expect(await statusOf()).toEqual([[block, true]]);
  });
});
