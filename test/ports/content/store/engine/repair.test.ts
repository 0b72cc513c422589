import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAX_BLOCK_BYTES } from "../../../../../src/ports/content/index.js";
import { inspectDatabase } from "../../../../../src/ports/content/store/engine/inspect.js";
import { VerifiedBlocks } from "../../../../../src/ports/content/store/verifiedBlocks.js";
import { systemClock } from "../../../../../src/utils/clock.js";
import { databaseDamages } from "../../../../faults/damageDatabase.js";
import { temporaryFolder } from "../../../../harness/folder.js";
import { bytesOf, openDisk } from "../../contentNodes.js";

/** Fewer than make the engine merge its tables. */
const SESSIONS = 2;
const PER_SESSION = 40;

/** A store of several tables, one for each time it was opened: records with pins, and a file. */
async function filled() {
  const dir = temporaryFolder();
  const sessions: string[][] = [];
  for (let session = 0; session < SESSIONS; session++) {
    const store = await openDisk(dir);
    const records = Array.from({ length: PER_SESSION }, (_, i) => bytesOf(500, 1 + session * PER_SESSION + i));
    sessions.push(await Promise.all(records.map((bytes) => store.put(bytes, { keep: "record" }))));
    if (session === 0) await store.putFile([bytesOf(MAX_BLOCK_BYTES)], { keep: "model" });
    await store.close();
  }
  // The last session's log becomes a table too.
  await (await openDisk(dir)).close();
  return { dir, sessions, database: join(dir, "store", "blocks") };
}

async function open(dir: string) {
  return VerifiedBlocks.open(join(dir, "store"), systemClock);
}

/** Which of the records are there, by their places in the list, and which of their pins. */
async function found(dir: string, cids: readonly string[]) {
  const store = await openDisk(dir);
  const here = [];
  for (const [index, cid] of cids.entries()) if (await store.has(cid)) here.push(index);
  const pinned = [];
  for (const [index, cid] of cids.entries()) if (await store.pins.get(`record/${cid}`)) pinned.push(index);
  await store.close();
  return { here, pinned };
}

describe("a damaged database", () => {
  const damages = Object.entries(databaseDamages);

  it.each(damages.filter(([name]) => !name.includes("table")))(
    "of which all tables are whole is rebuilt with all that it held: %s",
    async (_name, damage) => {
      const { dir, sessions, database } = await filled();
      await damage(database);
      expect((await inspectDatabase(database)).kind).toBe("damaged");
      const blocks = await open(dir);
      expect(blocks.repair).toMatchObject({ reason: expect.any(String), lostTables: [] });
      await blocks.close();
      const all = [...sessions.flat().keys()];
      expect(await found(dir, sessions.flat())).toEqual({ here: all, pinned: all });
      expect((await inspectDatabase(database)).kind).toBe("whole");
      const next = await open(dir);
      expect(next.repair).toBeUndefined();
      await next.close();
    },
  );

  it.each(damages.filter(([name]) => name.includes("table")))(
    "loses what was in a table that is gone, and no more, and names the table: %s",
    async (_name, damage) => {
      const { dir, sessions, database } = await filled();
      await damage(database);
      const blocks = await open(dir);
      expect(blocks.repair?.lostTables).toEqual([expect.stringMatching(/^\d+\.ldb$/)]);
      await blocks.close();
      const rest = [...sessions.slice(0, -1).flat().keys()];
      expect(await found(dir, sessions.flat())).toEqual({ here: rest, pinned: rest });
    },
  );

  it("that is gone altogether leaves the files, which gc dates and spares, and says so", async () => {
    const { dir, database } = await filled();
    await rm(database, { recursive: true });
    const blocks = await open(dir);
    expect(blocks.repair).toEqual({ reason: "the whole database is missing", lostTables: [] });
    await blocks.close();
    const store = await openDisk(dir);
    expect(await store.gc()).toMatchObject({ spared: 1, removed: 0 });
    expect(await store.scrub()).toMatchObject({ blocks: 1, bad: 0 });
  });

  it("that another holds is not taken for damaged, whatever is in its folder", async () => {
    const { dir, database } = await filled();
    const holder = await open(dir);
    await rm(join(database, "CURRENT"));
    await expect(openDisk(dir)).rejects.toMatchObject({ kind: "locked" });
    expect(await readdir(join(dir, "store"))).not.toContain("blocks.building");
    await holder.close();
  });

  it("of which a repair was interrupted, before or after the old one was moved away, is repaired at the next opening", async () => {
    for (const crash of ["building", "built", "moved"] as const) {
      const { dir, sessions, database } = await filled();
      const all = [...sessions.flat().keys()];
      if (crash === "building") {
        await databaseDamages["no CURRENT"](database);
        await mkdir(`${database}.building`);
      } else if (crash === "built") {
        // Complete, and the damaged one still in its place.
        await rename(database, `${database}.built`);
        await mkdir(database);
      } else {
        await rename(database, `${database}.built`);
        await mkdir(`${database}.before`);
      }
      expect(await found(dir, sessions.flat())).toEqual({ here: all, pinned: all });
      expect((await readdir(join(dir, "store"))).filter((name) => name.startsWith("blocks"))).toEqual(["blocks"]);
    }
  });

  it("gives the newest pin of a name, in whichever table it is", async () => {
    const { dir, sessions, database } = await filled();
    const [first, second] = sessions.flat();
    for (const cid of [first, second, first, second]) {
      const store = await openDisk(dir);
      await store.pins.set({ name: "mine", cid: cid as string, reason: "test" });
      await store.close();
    }
    await databaseDamages["no MANIFEST"](database);
    const store = await openDisk(dir);
    expect(await store.pins.get("mine")).toMatchObject({ cid: second });
  });
});

describe("what is no damage", () => {
  it("is a folder that is not there, an empty one, and one that a crash left before anything was stored", async () => {
    const dir = temporaryFolder();
    expect(await inspectDatabase(join(dir, "none"))).toEqual({ kind: "none" });
    expect(await inspectDatabase(dir)).toEqual({ kind: "none" });
    const blocks = await open(dir);
    await blocks.close();
    expect(await inspectDatabase(join(dir, "store", "blocks"))).toEqual({ kind: "whole" });
  });
});
