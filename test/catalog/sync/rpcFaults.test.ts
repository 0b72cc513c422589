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
});
