import { mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Level } from "level";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";
import { createDiskContent } from "../../../../src/ports/content/drivers/disk.js";
import { blockKey } from "../../../../src/ports/content/store/blockKeys.js";
import { limitedChild } from "../../../faults/limitedChild.js";

const bytes = Uint8Array.of(1, 2, 3);
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "witan-disk-"));
  return () => rm(dir, { recursive: true });
});

async function open(at = dir) {
  const store = await createDiskContent({ dir: at });
  onTestFinished(() => store.close());
  return store;
}

/** Puts other bytes under the name of a block while no store is open. */
async function alter(cid: string): Promise<void> {
  const db = new Level<string, Uint8Array>(join(dir, "store", "blocks"), {
    keyEncoding: "utf8",
    valueEncoding: "view",
  });
  await db.put(blockKey(parseCid(cid)), Uint8Array.of(9));
  await db.close();
}

describe("the blocks of a node that does not run", () => {
  it("are there again in the next process, with their pins", async () => {
    const first = await open();
    const cid = await first.put(bytes, { keep: "record" });
    await first.close();
    const second = await open();
    expect(await second.get(cid)).toEqual(bytes);
    expect(await second.pins.get(`record/${cid}`)).toMatchObject({ cid, reason: "record", scope: "block" });
  });

  it("are missing if nobody put them: no peer is asked", async () => {
    const store = await open();
    await expect(store.get(cidOfBlock(bytes))).rejects.toMatchObject({ kind: "missing", retryable: true });
    expect(await store.has(cidOfBlock(bytes))).toBe(false);
  });

  it("are corrupt if they were altered, and missing from then on; scrub reports them as lost", async () => {
    const first = await open();
    const cid = await first.put(bytes, { keep: "record" });
    await first.close();
    await alter(cid);
    const second = await open();
    await expect(second.get(cid)).rejects.toMatchObject({ kind: "corrupt" });
    await expect(second.get(cid)).rejects.toMatchObject({ kind: "missing" });
    const { healed, lost } = await second.scrub();
    expect([healed, lost.map(({ pins }) => pins)]).toEqual([0, [[`record/${cid}`]]]);
    await second.put(bytes);
    expect(await second.scrub()).toMatchObject({ bad: 0, lost: [] });
  });

  it("cannot be opened twice, and can be once they are closed", async () => {
    const first = await open();
    await expect(createDiskContent({ dir })).rejects.toMatchObject({
      kind: "locked",
      retryable: false,
      shortMessage: expect.stringContaining(dir),
      hints: [expect.stringContaining("Another process")],
    });
    const cid = await first.put(bytes);
    await first.close();
    expect(await (await open()).has(cid)).toBe(true);
  });

  it("stay closed to other processes though this one tries to open them twice, by another name too", async () => {
    const first = await open();
    await symlink(dir, `${dir}.link`);
    onTestFinished(() => rm(`${dir}.link`));
    for (const at of [dir, `${dir}.link`])
      await expect(createDiskContent({ dir: at })).rejects.toMatchObject({ kind: "locked" });
    const other = await limitedChild(new URL("../store/fullDiskChild.ts", import.meta.url), [dir]);
    await expect(other.ask("put", "1", "100")).rejects.toThrow("the process has ended");
    await first.put(bytes);
  });

  it("cannot be opened where a file is in their way, which is left as it is", async () => {
    const file = join(dir, "file");
    await writeFile(file, "mine");
    await expect(createDiskContent({ dir: file })).rejects.toMatchObject({ kind: "storage" });
    expect(await readdir(dir)).toEqual(["file"]);
  });
});
