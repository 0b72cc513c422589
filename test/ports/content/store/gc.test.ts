import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { CID } from "multiformats/cid";
import { describe, expect, it, onTestFinished } from "vitest";
import { openBlocks } from "../../../../src/ports/content/drivers/disk.js";
import { MAX_BLOCK_BYTES } from "../../../../src/ports/content/index.js";
import { collectGarbage } from "../../../../src/ports/content/store/gc.js";
import { pinFor } from "../../../../src/ports/content/store/pins.js";
import type { VerifiedBlocks } from "../../../../src/ports/content/store/verifiedBlocks.js";
import { systemClock } from "../../../../src/utils/clock.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { bytesOf, editBlocks, keyOf, openDisk, removeOnDisk, startNode } from "../contentNodes.js";

const MINUTE_MS = 60_000;
const now = { graceMs: 0 };

/** A record in dag-cbor that links to others. */
const linking = (...cids: string[]) => dagCbor.encode({ parts: cids.map((cid) => CID.parse(cid)) });

async function fresh() {
  const dir = temporaryFolder();
  return { dir, store: await openDisk(dir) };
}

describe("a collection", () => {
  it("takes what nothing keeps, and says how much", async () => {
    const { store } = await fresh();
    const kept = await store.put(bytesOf(100), { keep: "record" });
    const loose = await store.put(bytesOf(200, 2));
    expect(await store.gc(now)).toEqual({
      dryRun: false,
      pins: 1,
      kept: 1,
      spared: 0,
      removed: 1,
      removedBytes: 200,
      missing: [],
    });
    expect(await store.has(kept)).toBe(true);
    expect(await store.has(loose)).toBe(false);
  });

  it("takes nothing when it is only tried", async () => {
    const { store } = await fresh();
    const loose = await store.put(bytesOf(200));
    expect(await store.gc({ ...now, dryRun: true })).toMatchObject({ dryRun: true, removed: 1, removedBytes: 200 });
    expect(await store.has(loose)).toBe(true);
  });

  it("leaves what is young, also what was put again", async () => {
    const { dir, store } = await fresh();
    const [again, old] = [await store.put(bytesOf(100, 1)), await store.put(bytesOf(100, 2))];
    await store.close();
    await editBlocks(dir, async (db) => {
      const hourAgo = Buffer.from(`${Date.now() - 60 * MINUTE_MS} 100`);
      for (const cid of [again, old]) await db.put(`!born!${keyOf(cid)}`, hourAgo);
    });
    const next = await openDisk(dir);
    const fetched = await next.put(bytesOf(100, 3));
    expect(await next.put(bytesOf(100, 1))).toBe(again);
    expect(await next.gc({ graceMs: 30 * MINUTE_MS })).toMatchObject({ spared: 2, removed: 1 });
    expect([await next.has(again), await next.has(fetched), await next.has(old)]).toEqual([true, true, false]);
    // By default it waits for a day.
    expect(await next.gc()).toMatchObject({ spared: 2, removed: 0 });
  });

  it("follows files and records to all that they link to", async () => {
    const { store } = await fresh();
    const file = await store.putFile([bytesOf(3 * MAX_BLOCK_BYTES)]);
    const leaf = await store.put(bytesOf(50), { codec: "raw" });
    const below = await store.put(linking(leaf, file.cid));
    const root = await store.put(linking(below));
    await store.pins.set({ name: "mine", cid: root, reason: "test" });
    await store.put(bytesOf(60));
    expect(await store.gc(now)).toMatchObject({ kept: 7, removed: 1, missing: [] });
    expect(await store.getFile(file.cid, { sha256: file.sha256 })).toHaveLength(3 * MAX_BLOCK_BYTES);
    expect(await store.pins.drop("mine")).toBe(true);
    expect(await store.pins.drop("mine")).toBe(false);
    expect(await store.gc(now)).toMatchObject({ kept: 0, removed: 7 });
  });

  it("keeps the same bytes for whoever links to them as a node and whoever as a leaf", async () => {
    const { store } = await fresh();
    const leaf = await store.put(bytesOf(50), { codec: "raw" });
    const asNode = await store.put(linking(leaf));
    const asLeaf = await store.put(linking(leaf), { codec: "raw" });
    const root = await store.put(linking(asLeaf, asNode));
    await store.pins.set({ name: "both", cid: root, reason: "test" });
    expect(await store.gc(now)).toMatchObject({ kept: 3, removed: 0 });
    expect(await store.has(leaf)).toBe(true);
  });

  it("keeps a block that two names need until both are dropped", async () => {
    const { store } = await fresh();
    const shared = await store.put(bytesOf(10));
    for (const name of ["a", "b"]) await store.pins.set({ name, cid: shared, reason: "test" });
    await store.pins.drop("a");
    await store.pins.set({ name: "a", cid: shared, reason: "test" });
    await store.pins.drop("b");
    expect(await store.gc(now)).toMatchObject({ removed: 0 });
    expect(await store.has(shared)).toBe(true);
    await store.pins.drop("a");
    expect(await store.gc(now)).toMatchObject({ removed: 1 });
  });

  it("takes nothing while a node of a tree is missing, and names it with its pins", async () => {
    const { store, dir } = await fresh();
    const file = await store.putFile([bytesOf(2 * MAX_BLOCK_BYTES)]);
    await store.pins.set({ name: "model/1", cid: file.cid, reason: "model" });
    await store.put(bytesOf(10));
    await store.close();
    await editBlocks(dir, (db) => db.del(keyOf(file.cid)));
    const next = await openDisk(dir);
    const missing = [{ cid: file.cid, pins: ["model/1"] }];
    expect(await next.gc(now)).toMatchObject({ removed: 0, spared: 3, missing });
    // A leaf that is missing hides nothing.
    const [first] = [await next.put(bytesOf(2 * MAX_BLOCK_BYTES).subarray(0, MAX_BLOCK_BYTES), { codec: "raw" })];
    await next.putFile([bytesOf(2 * MAX_BLOCK_BYTES)]);
    await next.close();
    await removeOnDisk(dir, first);
    await editBlocks(dir, (db) => db.del(`!born!${keyOf(first)}`));
    expect(await (await openDisk(dir)).gc(now)).toMatchObject({ kept: 2, removed: 1, missing: [] });
  });

  it("takes nothing while a node of a tree is no node", async () => {
    const { store } = await fresh();
    const noise = await store.put(bytesOf(100), { codec: "dag-pb" });
    await store.pins.set({ name: "noise", cid: noise, reason: "test" });
    await store.put(bytesOf(10));
    expect(await store.gc(now)).toMatchObject({ removed: 0, missing: [{ cid: noise, pins: ["noise"] }] });
    // As one block it needs no links.
    await store.pins.set({ name: "noise", cid: noise, reason: "test", scope: "block" });
    expect(await store.gc(now)).toMatchObject({ removed: 1, missing: [] });
  });

  it("leaves what it knows no age of, as earlier versions wrote", async () => {
    const { store, dir } = await fresh();
    const old = await store.put(bytesOf(10));
    await store.close();
    await editBlocks(dir, (db) => db.del(`!born!${keyOf(old)}`));
    const next = await openDisk(dir);
    await next.gc(now);
    expect(await next.has(old)).toBe(true);
  });

  it("keeps pins over a restart, with why and since when", async () => {
    const { store, dir } = await fresh();
    const cid = await store.put(bytesOf(10), { keep: "record" });
    const { cid: file } = await store.putFile([bytesOf(10)], { keep: "model" });
    await store.close();
    const pins = [];
    for await (const pin of (await openDisk(dir)).pins.list()) pins.push(pin);
    const since = expect.any(Number);
    expect(pins).toEqual([
      { name: `model/${file}`, cid: file, reason: "model", scope: "tree", since },
      { name: `record/${cid}`, cid, reason: "record", scope: "block", since },
    ]);
  });

  it("takes nothing that is put, kept or written as a file while it runs, by however many", async () => {
    const { store } = await fresh();
    const acknowledged = new Set<string>();
    let running = true;
    const collecting = (async () => {
      for (let round = 0; round < 30; round++) await store.gc(now);
      running = false;
    })();
    await Promise.all(
      [1, 2, 3, 4].map(async (worker) => {
        for (let i = 0; running || i < 20; i++) {
          const seed = worker * 1_000_003 + i;
          const old = await store.put(bytesOf(64, (seed % 7) + 1));
          const cid = await store.put(bytesOf(64, seed), { keep: "record" });
          const file = await store.putFile([bytesOf(MAX_BLOCK_BYTES + 1, seed)], { keep: "model" });
          await store.pins.set({ name: `old/${worker}`, cid: old, reason: "test" });
          acknowledged.add(cid).add(file.cid);
          if (i > 50) break;
        }
      }),
    );
    await collecting;
    await store.gc(now);
    for (const cid of acknowledged) expect(await store.getFile(cid).catch(() => store.get(cid))).toBeDefined();
  });

  it.each<[string, (blocks: VerifiedBlocks, loose: CID, top: CID) => Promise<unknown>, number]>([
    ["put again", (blocks, loose) => blocks.put(loose, bytesOf(10)), 1],
    ["kept", (blocks, loose) => blocks.pins.set(pinFor("late", loose.toString(), "block", 0)), 1],
    ["kept by what links to it", (blocks, _, top) => blocks.pins.set(pinFor("late", top.toString(), "tree", 0)), 2],
    ["left alone", async () => undefined, 0],
  ])("checks again before it removes: what was %s since it was marked", async (_what, meanwhile, left) => {
    const dir = temporaryFolder();
    const store = await openDisk(dir);
    const loose = await store.put(bytesOf(10), { codec: "raw" });
    const top = await store.put(linking(loose));
    await store.close();
    const blocks = await openBlocks(dir, systemClock);
    onTestFinished(() => blocks.close());
    const sweep = blocks.sweep.bind(blocks);
    let done = false;
    blocks.sweep = async (...all) => {
      if (!done) await meanwhile(blocks, CID.parse(loose), CID.parse(top));
      done = true;
      return sweep(...all);
    };
    expect(await collectGarbage(blocks, now)).toMatchObject({ removed: 2 - left });
    expect(await blocks.has(CID.parse(loose))).toBe(left > 0);
  });

  it("holds the blocks of a file that is being written, however long that takes", async () => {
    const { store } = await fresh();
    // More blocks than are written at once, so that some are on the disk before the last is read.
    const bytes = bytesOf(20 * MAX_BLOCK_BYTES);
    async function* slow() {
      for (let at = 0; at < bytes.length; at += MAX_BLOCK_BYTES) {
        yield bytes.subarray(at, at + MAX_BLOCK_BYTES);
        await store.gc(now);
      }
    }
    const { cid, sha256 } = await store.putFile(slow(), { keep: "model" });
    await store.gc(now);
    expect(await store.getFile(cid, { sha256 })).toHaveLength(bytes.length);
  });

  it("takes nothing of what an agent's node keeps, and what peers gave it only when nobody kept it", async () => {
    const source = await startNode();
    const cids = [await source.put(bytesOf(100, 1)), await source.put(bytesOf(100, 2))];
    const reader = await startNode({ peers: source.multiaddrs() });
    for (const cid of cids) await reader.get(cid);
    await reader.pins.set({ name: "replica", cid: cids[0] ?? "", reason: "replica", scope: "block" });
    expect(await reader.gc(now)).toMatchObject({ kept: 1, removed: 1 });
    expect(await reader.has(cids[0] ?? "")).toBe(true);
    expect(await reader.get(cids[1] ?? "")).toEqual(bytesOf(100, 2));
  });

  it("refuses a grace period and a name that are none", async () => {
    const { store } = await fresh();
    await expect(store.gc({ graceMs: Number.NaN })).rejects.toMatchObject({ code: "invalid-input" });
    const cid = await store.put(bytesOf(1));
    await expect(store.pins.set({ name: "", cid, reason: "x" })).rejects.toMatchObject({ code: "invalid-input" });
    await expect(store.pins.set({ name: "x", cid: "x", reason: "x" })).rejects.toMatchObject({ kind: "invalid-cid" });
  });

  it("leaves exactly what the pins reach, whatever was put, linked, kept and dropped before", async () => {
    const step = fc.oneof(
      fc.record({ put: fc.nat(20), links: fc.array(fc.nat(20), { maxLength: 3 }) }),
      fc.record({ root: fc.nat(20), name: fc.nat(3) }),
      fc.record({ drop: fc.nat(3) }),
      fc.constant({ collect: true }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { store } = await fresh();
        // The model: which block links to which, and what is rooted.
        const links = new Map<string, string[]>();
        const pins = new Map<string, string>();
        const order: string[] = [];
        const pick = (index: number) => order[index % Math.max(1, order.length)];
        const reached = () => {
          const all = new Set<string>();
          const visit = (cid: string) => {
            if (all.has(cid)) return;
            all.add(cid);
            for (const link of links.get(cid) ?? []) visit(link);
          };
          for (const cid of pins.values()) visit(cid);
          return all;
        };
        let present = new Set<string>();
        for (const each of steps) {
          if ("put" in each) {
            // Only to what is here: a tree with a hole is another test.
            const targets = each.links.map(pick).filter((cid) => cid !== undefined && present.has(cid)) as string[];
            const closed = targets.every((cid) => (links.get(cid) ?? []).every((below) => present.has(below)));
            const to = closed ? targets : [];
            const cid = await store.put(dagCbor.encode({ n: each.put, parts: to.map((link) => CID.parse(link)) }));
            links.set(cid, to);
            order.push(cid);
            present.add(cid);
          } else if ("root" in each) {
            const cid = pick(each.root);
            if (cid === undefined || !present.has(cid)) continue;
            pins.set(`${each.name}`, cid);
            await store.pins.set({ name: `${each.name}`, cid, reason: "test" });
          } else if ("drop" in each) {
            expect(await store.pins.drop(`${each.drop}`)).toBe(pins.delete(`${each.drop}`));
          } else {
            const { missing } = await store.gc(now);
            const holes = [...reached()].filter((cid) => !present.has(cid));
            expect(missing.map(({ cid }) => cid).sort()).toEqual(holes.sort());
            if (missing.length === 0) present = reached();
          }
          for (const cid of order) expect(await store.has(cid)).toBe(present.has(cid));
        }
        await store.close();
      }),
      { numRuns: 40 },
    );
  });
});
