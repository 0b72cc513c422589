import { appendFile, copyFile, cp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VerifiedBlocks } from "../../../../../src/ports/content/store/verifiedBlocks.js";
import { systemClock } from "../../../../../src/utils/clock.js";
import { cutLog, newest } from "../../../../faults/damageDatabase.js";
import { temporaryFolder } from "../../../../harness/folder.js";
import { patience } from "../../../../harness/patience.js";
import { bytesOf, openDisk, startNode } from "../../contentNodes.js";

/** Of one session, so that they are in the log. */
const WRITES = 12;

/** A store as a kill -9 leaves it, with all that it has acknowledged in its log. */
async function killed() {
  const dir = temporaryFolder();
  const store = await openDisk(dir);
  const cids: string[] = [];
  const ends: number[] = [];
  const log = await newest(join(dir, "store", "blocks"), /\.log$/);
  for (let i = 0; i < WRITES; i++) {
    cids.push(await store.put(bytesOf(300, 1 + i), { keep: "record" }));
    ends.push((await stat(log)).size);
  }
  await noted(dir, WRITES);
  const copy = temporaryFolder();
  await cp(dir, copy, { recursive: true });
  await store.close();
  return { dir: copy, cids, ends, database: join(copy, "store", "blocks"), notes: join(copy, "store", "last-writes") };
}

/** Resolves once so many writes are noted: nobody waits for that otherwise. */
async function noted(dir: string, writes: number): Promise<void> {
  const lines = async () => (await readFile(join(dir, "store", "last-writes"), "utf8")).split("\n").length - 1;
  await expect.poll(() => lines().catch(() => 0), patience).toBe(writes);
}

async function reopened(dir: string) {
  const blocks = await VerifiedBlocks.open(join(dir, "store"), systemClock);
  const { repair } = blocks;
  await blocks.close();
  return repair;
}

describe("a log that was cut", () => {
  it("says which writes are lost, at every byte of the last ones, and puts their pins back", async () => {
    const { cids, database, dir, ends } = await killed();
    for (const [kept, cut] of [
      [WRITES - 1, (ends.at(-2) ?? 0) + 0],
      [WRITES - 1, (ends.at(-1) ?? 0) - 1],
      [WRITES - 3, ends.at(-4) ?? 0],
      [0, 0],
    ] as const) {
      const copy = temporaryFolder();
      await cp(dir, copy, { recursive: true });
      await cutLog(join(copy, "store", "blocks"), cut);
      const damage: string[] = [];
      const { createDiskContent } = await import("../../../../../src/ports/content/drivers/disk.js");
      const store = await createDiskContent({ dir: copy, onDamage: (error) => damage.push(error.message) });
      expect(damage).toMatchObject([expect.stringContaining(`its last ${WRITES - kept} writes are missing`)]);
      expect(await Promise.all(cids.map((cid) => store.has(cid)))).toEqual(cids.map((_, index) => index < kept));
      for (const cid of cids) expect(await store.pins.get(`record/${cid}`)).toMatchObject({ cid });
      expect((await store.scrub()).lost.map(({ cid }) => cid).sort()).toEqual(cids.slice(kept).sort());
      await store.close();
      expect(await reopened(copy)).toBeUndefined();
    }
    expect(database).toContain(dir);
  });

  it("is healed from the peers that have the blocks", async () => {
    const { cids, database, dir } = await killed();
    const peer = await startNode();
    for (let i = 0; i < WRITES; i++) await peer.put(bytesOf(300, 1 + i), { keep: "record" });
    await cutLog(database, 0);
    const node = await startNode({ dir, peers: peer.multiaddrs() });
    // A peer that is slow to answer is asked again by the next scrub.
    await expect.poll(async () => (await node.scrub()).lost, patience).toEqual([]);
    expect(await Promise.all(cids.map((cid) => node.has(cid)))).toEqual(cids.map(() => true));
  });

  it("leaves what was removed removed: a pin that was dropped does not come back", async () => {
    const dir = temporaryFolder();
    const store = await openDisk(dir);
    const cid = await store.put(bytesOf(300, 1), { keep: "record" });
    const log = await newest(join(dir, "store", "blocks"), /\.log$/);
    const before = (await stat(log)).size;
    await store.pins.drop(`record/${cid}`);
    await noted(dir, 2);
    const copy = temporaryFolder();
    await cp(dir, copy, { recursive: true });
    await store.close();
    await cutLog(join(copy, "store", "blocks"), before);
    const after = await openDisk(copy);
    expect(await after.pins.get(`record/${cid}`)).toBeUndefined();
    await after.close();
  });
});

describe("what is no loss", () => {
  it("is a kill, an orderly end, and a file of notes that is gone, cut, torn or another's", async () => {
    const { dir, notes } = await killed();
    for (const change of [
      async () => undefined,
      (path: string) => rm(path),
      (path: string) => writeFile(path, ""),
      async (path: string) => writeFile(path, (await readFile(path)).subarray(0, -20)),
      (path: string) => appendFile(path, '{"n":99,"ke'),
      (path: string) => appendFile(path, Buffer.from([0, 0xff, 0x0a])),
    ]) {
      const copy = temporaryFolder();
      await cp(dir, copy, { recursive: true });
      await change(join(copy, "store", "last-writes"));
      expect(await reopened(copy)).toBeUndefined();
      expect(await reopened(copy)).toBeUndefined();
    }
    expect(notes).toContain("last-writes");
  });

  it("is a whole store that was put back as it was before", async () => {
    const dir = temporaryFolder();
    await (await openDisk(dir)).close();
    const before = temporaryFolder();
    await cp(dir, before, { recursive: true });
    const mixed = temporaryFolder();
    await cp(dir, mixed, { recursive: true });
    const store = await openDisk(dir);
    await store.put(bytesOf(300, 1), { keep: "record" });
    await store.close();
    expect(await reopened(before)).toBeUndefined();
    // A database that is older than the notes beside it has lost something.
    await copyFile(join(dir, "store", "last-writes"), join(mixed, "store", "last-writes"));
    expect(await reopened(mixed)).toMatchObject({
      reason: expect.stringContaining("are missing"),
      lostKeys: [expect.any(String)],
    });
  });
});
