import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { cidOfBlock } from "../../../src/ports/content/cid.js";
import { createDiskContent } from "../../../src/ports/content/drivers/disk.js";
import { DEFAULT_GRACE_MS, MAX_NAMED_PINS, MAX_PIN_NAME } from "../../../src/ports/content/maintenance.js";
import { stepped } from "../../harness/clock.js";

const bytes = Uint8Array.of(1, 2, 3);

/** A store in a folder of its own, on a clock that the test steps. */
async function open() {
  const dir = await mkdtemp(join(tmpdir(), "witan-maintenance-"));
  const clock = stepped();
  const store = await createDiskContent({ dir, clock });
  onTestFinished(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });
  return { clock, store };
}

describe("the defaults of maintenance", () => {
  it("leave a block that nothing pins for the whole grace period", async () => {
    const { clock, store } = await open();
    await store.put(bytes);
    clock.pass(DEFAULT_GRACE_MS - 1);
    expect(await store.gc()).toMatchObject({ removed: 0, spared: 1 });
    clock.pass(1);
    expect(await store.gc()).toMatchObject({ removed: 1, spared: 0, removedBytes: bytes.length });
  });

  it("name a few of the pins that need a lost block, however many they are", async () => {
    const { store } = await open();
    const cid = cidOfBlock(bytes);
    for (let i = 0; i < MAX_NAMED_PINS + 3; i++) await store.pins.set({ name: `pin ${i}`, cid, reason: "record" });
    const { bad, lost } = await store.scrub();
    expect([bad, lost.length]).toEqual([1, 1]);
    expect(new Set(lost[0]?.pins).size).toBe(MAX_NAMED_PINS);
  });

  it("give room for a pin's name that is a reason, a slash and a CID", async () => {
    const { store } = await open();
    const cid = await store.put(bytes, { keep: "accepted-model" });
    expect(await store.pins.get(`accepted-model/${cid}`)).toMatchObject({ cid, scope: "block" });
    const keep = "k".repeat(MAX_PIN_NAME - cid.length - 1);
    expect(await store.pins.get(`${keep}/${await store.put(bytes, { keep })}`)).toMatchObject({ reason: keep });
    await expect(store.put(bytes, { keep: `${keep}k` })).rejects.toMatchObject({ code: "invalid-input" });
  });
});
