import { appendFile, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backUp } from "../../../../src/ports/content/backup/backup.js";
import { readBackupFile } from "../../../../src/ports/content/backup/backupFile.js";
import { keptGenerations, namedFiles } from "../../../../src/ports/content/backup/generations.js";
import { checkBackup, restoreBackup } from "../../../../src/ports/content/backup/restore.js";
import { frozen, TestClock } from "../../../harness/clock.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { openDisk } from "../contentNodes.js";
import { subject } from "./backedUp.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 10, 1, 12);

describe("the generations that stay", () => {
  it("are the newest ones, and the newest of each day", () => {
    const everyHour = Array.from({ length: 72 }, (_, hour) => ({ time: START + hour * HOUR }));
    const kept = keptGenerations(everyHour, { newest: 3, days: 3 }).map(({ time }) => (time - START) / HOUR);
    // Until noon of the third day, and the last of the two days before.
    expect(kept).toEqual([35, 59, 69, 70, 71]);
  });

  it("hold the newest of all, are bounded, and lose nothing to a clock that jumps", () => {
    const times = fc.uniqueArray(fc.integer({ min: 0, max: 400 * DAY }), { minLength: 1, maxLength: 60 });
    const rule = fc.record({ newest: fc.integer({ min: 1, max: 8 }), days: fc.integer({ min: 0, max: 14 }) });
    fc.assert(
      fc.property(times, rule, (all, keep) => {
        const generations = all.map((time) => ({ time }));
        const kept = keptGenerations(generations, keep);
        expect(kept).toContainEqual({ time: Math.max(...all) });
        expect(kept.length).toBeLessThanOrEqual(keep.newest + keep.days);
        // One of the far future ends none of the newest days that were there.
        const jumped = keptGenerations([...generations, { time: 4_000 * DAY }], { ...keep, days: keep.days + 1 });
        const days = keptGenerations(generations, { newest: 0, days: keep.days });
        expect(jumped).toEqual(expect.arrayContaining(days));
      }),
    );
  });
});

/** A store that is backed up again and again, an hour apart. */
async function backedUpEachHour(keep: { newest: number; days: number }) {
  const [data, dir] = [temporaryFolder(), join(temporaryFolder(), "backup")];
  const store = await openDisk(data);
  const clock = new TestClock(frozen(START));
  const journal = join(data, "ballots.jsonl");
  const files = [{ path: "ballots.jsonl", from: journal, grows: true }];
  const cids: string[] = [];
  return {
    ...{ cids, data, dir, journal, store },
    /** Writes a record and an entry, and backs up. */
    async hour() {
      cids.push(await store.put(Buffer.from(`record ${cids.length}`), { keep: "record" }));
      await appendFile(journal, `{"n":${cids.length}}\n`);
      clock.stepWall(HOUR);
      return backUp({ store, dir, subject, files, keep, clock });
    },
    async restore(at?: number) {
      const other = temporaryFolder();
      const restored = await openDisk(other);
      const result = await restoreBackup({ store: restored, dir, dataDir: other, subject, at });
      const has = await Promise.all(cids.map((cid) => restored.has(cid)));
      return { result, has, journal: await readFile(join(other, "ballots.jsonl"), "utf8") };
    },
  };
}

describe("a backup of several generations", () => {
  it("brings back each of them as it was, and holds no file that none names", async () => {
    const { dir, hour, restore } = await backedUpEachHour({ newest: 3, days: 0 });
    for (let n = 0; n < 5; n++) await hour();
    const backup = await readBackupFile(dir);
    const times = (await checkBackup(dir)).generations;
    expect(times).toEqual([5, 4, 3].map((n) => START + n * HOUR));
    const [, middle = 0] = times;
    expect(await restore(middle)).toMatchObject({
      result: { time: middle, lost: [], pins: 4 },
      has: [true, true, true, true, false],
      journal: '{"n":1}\n{"n":2}\n{"n":3}\n{"n":4}\n',
    });
    expect(await restore()).toMatchObject({ result: { pins: 5 }, has: Array(5).fill(true) });
    await expect(restore(START)).rejects.toMatchObject({ code: "backup-missing" });
    const tops = new Set(["backup.json", ...namedFiles(backup ?? never()).map((file) => file.split("/")[0])]);
    expect((await readdir(dir)).sort()).toEqual([...tops].sort());
  });

  it("keeps a part for as long as a generation names it", async () => {
    const { cids, dir, hour, restore, store } = await backedUpEachHour({ newest: 2, days: 0 });
    await hour();
    await store.pins.drop(`record/${cids[0]}`);
    await store.gc({ graceMs: 0 });
    await hour();
    // The newest does not need the first record; the one before does.
    expect(await restore(START + HOUR)).toMatchObject({ result: { lost: [] }, has: [true, false] });
    await hour();
    expect((await readdir(dir)).includes("part-000001.car")).toBe(false);
  });

  it("heals an earlier generation whose part was damaged, from the store", async () => {
    const { dir, hour, restore } = await backedUpEachHour({ newest: 3, days: 0 });
    await hour();
    await hour();
    await truncate(join(dir, "part-000001.car"), 10);
    expect(await hour()).toMatchObject({ damaged: ["part-000001.car"], generations: 3 });
    // In the part that was written instead, beside what was new then.
    expect(await restore(START + HOUR)).toMatchObject({ result: { lost: [] }, has: [true, false, true] });
  });

  it("of the version before is read as one generation, and added to", async () => {
    const { dir, hour, restore } = await backedUpEachHour({ newest: 3, days: 0 });
    await hour();
    const { earlier: _, earlierParts: __, ...first } = (await readBackupFile(dir)) ?? never();
    await writeFile(join(dir, "backup.json"), JSON.stringify({ ...first, schema: "witan/backup/1" }));
    expect(await hour()).toMatchObject({ generations: 2, newBlocks: 1 });
    expect(await restore(START + HOUR)).toMatchObject({ result: { lost: [] }, has: [true, false] });
  });
});

function never(): never {
  throw new Error("there is no backup");
}
