import { describe, expect, it } from "vitest";
import { createDiskContent } from "../../../../src/ports/content/drivers/disk.js";
import { TestClock } from "../../../harness/clock.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { bytesOf } from "../contentNodes.js";

const HOUR = 3_600_000;
const GRACE = { graceMs: HOUR / 2 };

async function fresh() {
  const clock = new TestClock();
  const dir = temporaryFolder();
  return { clock, open: () => createDiskContent({ dir, clock }) };
}

describe("the grace period of gc", () => {
  it.each([1, -1])("is as long as ever if the wall clock is stepped by %s h", async (hours) => {
    const { clock, open } = await fresh();
    const store = await open();
    await store.put(bytesOf(10));
    clock.stepWall(hours * HOUR);
    expect(await store.gc(GRACE)).toMatchObject({ removed: 0, spared: 1 });
    clock.pass(GRACE.graceMs + 1);
    expect(await store.gc(GRACE)).toMatchObject({ removed: 1, spared: 0 });
    await store.close();
  });

  it("of blocks of an earlier opening is as long as ever if the wall clock is stepped meanwhile", async () => {
    const { clock, open } = await fresh();
    const first = await open();
    await first.put(bytesOf(10));
    await first.close();
    const second = await open();
    clock.stepWall(HOUR);
    expect(await second.gc(GRACE)).toMatchObject({ removed: 0, spared: 1 });
    clock.pass(GRACE.graceMs + 1);
    expect(await second.gc(GRACE)).toMatchObject({ removed: 1 });
    await second.close();
  });

  it("begins when gc first sees a block that was put while the wall clock was an hour ahead", async () => {
    const { clock, open } = await fresh();
    clock.stepWall(HOUR);
    const first = await open();
    await first.put(bytesOf(10));
    await first.close();
    clock.stepWall(-HOUR);
    const second = await open();
    expect(await second.gc({ ...GRACE, dryRun: true })).toMatchObject({ spared: 1 });
    expect(await second.gc(GRACE)).toMatchObject({ removed: 0, spared: 1 });
    clock.pass(GRACE.graceMs + 1);
    expect(await second.gc(GRACE)).toMatchObject({ removed: 1, spared: 0 });
    await second.close();
  });
});
