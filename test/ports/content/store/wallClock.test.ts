import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Level } from "level";
import { describe, expect, it, onTestFinished } from "vitest";
import { createDiskContent } from "../../../../src/ports/content/drivers/disk.js";
import { TestClock } from "../../../harness/clock.js";

const HOUR = 3_600_000;
const graceMs = HOUR / 2;
/** As the agent of a node collects. */
const collecting = { graceMs, whileOpen: true };

/** The store of a node that can be opened again and again, and the clock that all its openings read. */
async function nodeStore() {
  const dir = await mkdtemp(join(tmpdir(), "witan-clock-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const clock = new TestClock();
  return { dir, clock, open: () => createDiskContent({ dir, clock }) };
}

/** A store that holds one block, which an earlier session put just before it ended. */
async function withOneBlock() {
  const setting = await nodeStore();
  const store = await setting.open();
  const cid = await store.put(Uint8Array.of(1, 2, 3));
  await store.close();
  return { ...setting, cid };
}

describe("the grace period of gc across a restart", () => {
  it("is as long as ever for blocks that were put before the wall clock was set back by an hour", async () => {
    const { clock, open } = await withOneBlock();
    clock.stepWall(-HOUR);
    const store = await open();
    expect(await store.gc({ graceMs })).toMatchObject({ removed: 0, spared: 1 });
    clock.pass(graceMs + 1);
    expect(await store.gc({ graceMs })).toMatchObject({ removed: 1, spared: 0 });
    await store.close();
  });

  it("keeps nothing for longer if the wall clock is set back again in every session", async () => {
    const { clock, open } = await withOneBlock();
    for (let session = 1; session <= 4; session++) {
      clock.stepWall(-HOUR);
      const store = await open();
      clock.pass(graceMs / 4);
      expect(await store.gc(collecting)).toMatchObject({ removed: session === 4 ? 1 : 0 });
      await store.close();
    }
  });

  it.each([HOUR, -HOUR])("is whole for a node whose wall clock is off by %i ms when its store opens", async (step) => {
    const { clock, open, cid } = await withOneBlock();
    clock.stepWall(step);
    const store = await open();
    expect(await store.gc(collecting)).toMatchObject({ removed: 0, spared: 1 });
    clock.pass(graceMs - 1_000);
    clock.stepWall(-step);
    expect(await store.gc(collecting)).toMatchObject({ removed: 0, spared: 1 });
    expect(await store.has(cid)).toBe(true);
    clock.pass(1_001);
    expect(await store.gc(collecting)).toMatchObject({ removed: 1, spared: 0 });
    await store.close();
  });

  it("continues where the last session ended, so that a node that restarts often collects too", async () => {
    const { clock, open } = await withOneBlock();
    const removed: number[] = [];
    for (let session = 1; session <= 3; session++) {
      const store = await open();
      clock.pass(graceMs / 3 + 1);
      removed.push((await store.gc(collecting)).removed);
      await store.close();
      // A night without a node is no time in which anybody could have pinned the block.
      clock.pass(12 * HOUR);
    }
    expect(removed).toEqual([0, 0, 1]);
  });

  it.each([
    ["of an earlier version", (at: number) => `${at - 9 * HOUR} 3 otherSession 5`],
    ["newer than what a crashed session stored of its time", (at: number) => `${at} 3 otherSession 5 ${99 * HOUR}`],
  ])("begins when gc first sees a stamp that is %s", async (_what, stamp) => {
    const { clock, dir, open } = await withOneBlock();
    const db = new Level(join(dir, "store", "blocks"));
    for await (const key of db.keys({ gte: "!born!", lt: '!born"' })) await db.put(key, stamp(clock.now()));
    await db.close();
    const store = await open();
    expect(await store.gc(collecting)).toMatchObject({ removed: 0, spared: 1 });
    clock.pass(graceMs + 1);
    expect(await store.gc(collecting)).toMatchObject({ removed: 1, spared: 0 });
    await store.close();
  });

  it("counts from the wall time of the opening for a store that is opened for moments", async () => {
    const { clock, open } = await withOneBlock();
    clock.pass(graceMs + 1);
    const store = await open();
    expect(await store.gc(collecting)).toMatchObject({ removed: 0 });
    expect(await store.gc({ graceMs })).toMatchObject({ removed: 1 });
    await store.close();
  });
});
