import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Catalog, type OpenCatalogParameters, openCatalog } from "../../src/catalog/catalog.js";
import { ChainError } from "../../src/ports/chain/index.js";
import { createMemoryContent } from "../../src/ports/content/index.js";
import { frozen } from "../harness/clock.js";
import { headerOf } from "../harness/events.js";
import { chainOf } from "../harness/fakeClient.js";
import { idOf } from "../records/samples.js";

let folder: string;
let catalogs: Catalog[];
let head: number;
/** What the chain does before it answers. */
let answering: () => void;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "witan-catalog-"));
  [catalogs, head, answering] = [[], 5, () => undefined];
});
afterEach(async () => {
  await Promise.all(catalogs.map((catalog) => catalog.close()));
  rmSync(folder, { recursive: true, force: true });
});

/** A chain of blocks in which nothing happens. */
async function answer(method: string, [tag]: [string]) {
  answering();
  if (method === "eth_getLogs") return [];
  const number = tag === "latest" ? head : Number(tag);
  const { hash, time } = headerOf(number);
  return Number.isNaN(number) || number > head ? null : { number, hash, timestamp: time };
}

async function open(parameters: Partial<OpenCatalogParameters> = {}, change: object = {}): Promise<Catalog> {
  const chain = chainOf({ provider: { send: answer, sendToAnother: async () => undefined }, ...change });
  const catalog = await openCatalog({ path: ":memory:", chain, content: createMemoryContent(), ...parameters });
  catalogs.push(catalog);
  return catalog;
}
const refusal = expect.objectContaining({ code: "invalid-input" });

describe("a catalog", () => {
  it.each([0, -1, 1.5, Number.NaN])("is not opened for %d confirmations", async (confirmations) => {
    await expect(open({ confirmations })).rejects.toThrow(refusal);
  });

  it("goes on with its file, and is refused to another deployment, whose rebuild takes its place", async () => {
    const path = join(folder, "catalog.db");
    const first = await open({ path });
    await first.sync();
    await first.close();
    expect((await (await open({ path })).status()).block).toBe(5);
    await expect(open({ path }, { chainId: 1 })).rejects.toMatchObject({ code: "catalog-other-deployment" });
    expect((await (await open({ path, rebuild: true }, { chainId: 1 })).status()).block).toBe(0);
  });

  it("is opened on no other file, unless that is set aside", async () => {
    const path = join(folder, "notes.txt");
    writeFileSync(path, "not a database, but a text that is long enough ".repeat(30));
    await expect(open({ path })).rejects.toMatchObject({ code: "catalog-corrupt", needsRebuild: true });
    expect((await (await open({ path, rebuild: true, clock: frozen() })).status()).block).toBe(0);
  });
});

describe("a limit", () => {
  it.each([0, -1, 1.5, 1_001, Number.NaN])("of %d is refused by every list", async (limit) => {
    const catalog = await open();
    for (const list of [
      () => catalog.listRecords({ limit }),
      () => catalog.listIncidents({ limit }),
      () => catalog.listPending({ limit }),
      () => catalog.getIncident({ fingerprint: idOf("trouble"), limit }),
      () => catalog.getLineage({ model: idOf("model"), limit }),
    ]) {
      await expect(list()).rejects.toThrow(refusal);
    }
  });

  it("of one to a thousand is taken, and a cursor only if it is one", async () => {
    const catalog = await open();
    const nothing = { records: [], cursor: null, block: 0 };
    expect(await catalog.listRecords({ limit: 1 })).toEqual(nothing);
    expect(await catalog.listRecords({ limit: 1_000, cursor: "9-0-0-0" })).toEqual(nothing);
    await expect(catalog.listRecords({ cursor: "next" })).rejects.toThrow(refusal);
    await expect(catalog.listIncidents({ cursor: "next" })).rejects.toThrow(refusal);
    expect(await catalog.getIncident({ fingerprint: idOf("trouble") })).toBeUndefined();
    expect(await catalog.getLineage({ model: idOf("model") })).toBeUndefined();
  });
});

describe("a sync", () => {
  it("tells how far it came, at each stage", async () => {
    const catalog = await open();
    const stages: unknown[] = [];
    const report = await catalog.sync({ onProgress: (progress) => stages.push(progress) });
    expect(report).toEqual({ events: 0, undoneBlocks: 0, manifests: 0, records: 0 });
    expect(stages).toEqual([{ stage: "chain", block: 5, head: 5, events: 0 }]);
  });

  it("waits for the one before it, and is not spoilt by its failure", async () => {
    const catalog = await open();
    let answers = 0;
    answering = () => {
      answers += 1;
      if (answers === 1) throw new ChainError("rpc-unreachable", "No answer.");
    };
    const [failed, done] = await Promise.allSettled([catalog.sync(), catalog.sync()]);
    expect([failed.status, done.status]).toEqual(["rejected", "fulfilled"]);
    expect((await catalog.status()).block).toBe(5);
  });

  it("ends with the reason of its signal", async () => {
    const catalog = await open();
    await expect(catalog.sync({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });
});

describe("a catalog that follows the chain", () => {
  it("goes on after an error that may pass, and ends with its signal", async () => {
    const catalog = await open({
      clock: { ...frozen(), sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    });
    const controller = new AbortController();
    const errors: unknown[] = [];
    let answers = 0;
    answering = () => {
      answers += 1;
      if (answers === 1) throw new ChainError("rpc-timeout", "No answer in time.");
    };
    const following = catalog.follow({ signal: controller.signal, onError: (error) => errors.push(error) });
    await expect.poll(async () => (await catalog.status()).block).toBe(5);
    controller.abort();
    await following;
    expect(errors).toMatchObject([{ code: "rpc-timeout" }]);
  });

  it("ends both of its loops with an error that another attempt does not mend", async () => {
    const catalog = await open();
    const error = new ChainError("wrong-chain", "It is another chain.");
    answering = () => {
      throw error;
    };
    head = 6;
    const errors: unknown[] = [];
    const { signal } = new AbortController();
    await expect(catalog.follow({ signal, onError: (each) => errors.push(each) })).rejects.toBe(error);
    expect(errors).toEqual([]);
  });
});

describe("a catalog that is closed", () => {
  it("ends its watchers, and refuses all else", async () => {
    const catalog = await open();
    const next = catalog.watch().next();
    await catalog.close();
    expect(await next).toEqual({ done: true, value: undefined });
    const closed = { code: "catalog-closed" };
    await expect(catalog.status()).rejects.toMatchObject(closed);
    await expect(catalog.sync()).rejects.toMatchObject(closed);
    await expect(catalog.listRecords()).rejects.toMatchObject(closed);
    await expect(catalog.close()).resolves.toBeUndefined();
  });

  it("waits for the sync that is under way, which ends with it", async () => {
    const catalog = await open();
    let closing: Promise<void> | undefined;
    answering = () => {
      closing ??= catalog.close();
    };
    await expect(catalog.sync()).rejects.toMatchObject({ code: "catalog-closed" });
    await closing;
  });
});
