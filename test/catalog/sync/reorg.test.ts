import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Catalog, CatalogChange } from "../../../src/catalog/index.js";
import { createChain, type Eip1193Provider } from "../../../src/ports/chain/index.js";
import { shortOrLong } from "../../harness/soak.js";
import { anchorIncident, anchorStates, type CatalogDao, createCatalogDao, dump, incidentOf } from "../testCatalog.js";

let dao: CatalogDao;
let folder: string;

beforeAll(async () => {
  dao = await createCatalogDao(2);
  folder = await mkdtemp(join(tmpdir(), "witan-reorg-"));
});
afterAll(async () => {
  dao.close();
  await rm(folder, { recursive: true, force: true });
});

let cycle = 0;

/** Some blocks: states, incidents that several nodes see, and blocks in which nothing happens. */
async function happen(blocks: number, name: string): Promise<void> {
  for (let i = 0; i < blocks; i++) {
    cycle += 1;
    const client = dao.client(cycle % 2);
    if (cycle % 3 === 0) await dao.witan.mine();
    else if (cycle % 3 === 1) await anchorStates(client, cycle, cycle + 1_000);
    else await anchorIncident(client, { ...incidentOf(`replica/${name}`), observed: { instance: `${cycle}` } });
  }
}

async function rebuilt(name: string): Promise<Record<string, unknown[]>> {
  const path = join(folder, `${name}.db`);
  const catalog = await dao.openCatalog({ path, confirmations: 21 });
  await catalog.sync();
  await catalog.close();
  return dump(path);
}

const keysOf = async (catalog: Catalog) =>
  (await catalog.listRecords({ confirmed: true, limit: 1_000 })).records.map(
    ({ contentId, anchor }) => `${contentId} ${anchor.blockHash}`,
  );

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

describe("a reorganisation", () => {
  it("of depths from 1 to 20 leaves the index as one that was built from zero, and undoes nothing confirmed", async () => {
    const path = join(folder, "followed.db");
    const catalog = await dao.openCatalog({ path, confirmations: 21 });
    await happen(22, "before");
    for (const depth of shortOrLong([1, 2, 3, 4, 9, 20], upTo(20))) {
      await catalog.sync();
      const undo = await dao.witan.snapshot();
      await happen(depth, `lost-${depth}`);
      await catalog.sync();
      const confirmed = await keysOf(catalog);
      expect(confirmed.length).toBeGreaterThan(0);

      await undo();
      // Fewer, as many or more blocks than before, and other transactions in them.
      const instead = Math.max(1, depth + (depth % 3) - 1);
      await dao.witan.increaseTime(7);
      await happen(instead, `kept-${depth}`);
      const { undoneBlocks } = await catalog.sync();
      expect(undoneBlocks).toBeGreaterThanOrEqual(depth);
      expect(undoneBlocks).toBeLessThan(depth + 4);
      expect(await keysOf(catalog)).toEqual(expect.arrayContaining(confirmed));
      const { records } = await catalog.listRecords({ limit: 1_000 });
      for (const { anchor } of records) expect(anchor.confirmed).toBe(anchor.confirmations >= 21);
      expect(records.some(({ anchor }) => !anchor.confirmed)).toBe(true);
      expect((await catalog.listRecords({ subject: `replica/lost-${depth}` })).records).toEqual([]);
    }
    await catalog.close();
    expect(dump(path)).toEqual(await rebuilt("after-depths"));
  }, 240_000);

  it("at any moment of a sync ends the same", async () => {
    for (const moment of shortOrLong([1, 2, 3, 5, 8, 13], upTo(16))) {
      // The chain itself, but for one thing that happens to it just before a request is answered.
      let requests = 0;
      let strike: (() => Promise<void>) | undefined;
      const strikeNow = async () => {
        const now = strike;
        strike = undefined;
        await now?.();
      };
      const provider: Eip1193Provider = {
        async request(request) {
          requests += 1;
          if (requests === moment) await strikeNow();
          return dao.witan.provider.request(request);
        },
      };
      const chain = await createChain({ ...dao.witan.deployment, provider });
      const path = join(folder, `moment-${moment}.db`);
      const catalog = await dao.openCatalog({ path, chain, confirmations: 21 });
      if (moment % 2 === 0) await catalog.sync();

      const undo = await dao.witan.snapshot();
      await happen(3, "struck");
      strike = async () => {
        await undo();
        await dao.witan.increaseTime(3);
        await happen(2, "stays");
      };
      requests = 0;
      await catalog.sync();
      await strikeNow();
      await catalog.sync();
      await catalog.close();
      chain.close();
      expect(dump(path)).toEqual(await rebuilt(`rebuilt-${moment}`));
    }
  }, 240_000);

  it("to a chain that is shorter at first is followed once that has grown", async () => {
    const undo = await dao.witan.snapshot();
    await happen(6, "long");
    const path = join(folder, "shorter.db");
    const catalog = await dao.openCatalog({ path, confirmations: 3 });
    await catalog.sync();
    const { block } = await catalog.status();
    await undo();
    // It may be a node that is behind: until the chain has another block of that number, nothing is taken back.
    expect(await catalog.sync()).toMatchObject({ undoneBlocks: 0 });
    await dao.witan.increaseTime(5);
    await happen(6, "instead");
    expect((await catalog.sync()).undoneBlocks).toBeGreaterThanOrEqual(6);
    expect((await catalog.status()).block).toBeGreaterThanOrEqual(block);
    await catalog.close();
    expect(dump(path)).toEqual(await rebuilt("shorter-rebuilt"));
  });

  it("is told to watchers: what is gone, and what came instead", async () => {
    const catalog = await dao.openCatalog({ confirmations: 21 });
    await catalog.sync();
    const stop = new AbortController();
    const changes: CatalogChange[] = [];
    const watching = (async () => {
      for await (const change of catalog.watch({ kind: "Incident", signal: stop.signal })) changes.push(change);
    })();
    const undo = await dao.witan.snapshot();
    await anchorIncident(dao.client(0), incidentOf("replica/seen"));
    await anchorStates(dao.client(1), 999_999);
    await catalog.sync();
    await undo();
    await dao.witan.increaseTime(11);
    await anchorIncident(dao.client(1), incidentOf("replica/instead"));
    await catalog.sync();
    await Promise.resolve();
    stop.abort();
    await watching;
    const told = changes.map(({ type, record }) => [type, record.kind === "Incident" && record.value?.subject]);
    expect(told).toEqual([
      ["listed", undefined],
      ["verified", "replica/seen"],
      ["retracted", "replica/seen"],
      ["listed", undefined],
      ["verified", "replica/instead"],
    ]);
  });
});
