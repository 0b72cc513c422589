import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cidOfBlock, parseCid } from "../../../../../src/ports/content/cid.js";
import { blockKey } from "../../../../../src/ports/content/store/blockKeys.js";
import { BlockFiles, MIN_FILE_BYTES } from "../../../../../src/ports/content/store/files/blockFiles.js";
import { failSync } from "../../../../faults/failingSync.js";
import { temporaryFolder } from "../../../../harness/folder.js";
import { alterOnDisk, bytesOf, fileOf, openDisk } from "../../contentNodes.js";

const large = bytesOf(MIN_FILE_BYTES);
const cid = cidOfBlock(large, "raw");
const key = blockKey(parseCid(cid));

async function openFiles() {
  const dir = temporaryFolder();
  const files = new BlockFiles(dir);
  await files.open();
  return { dir, files };
}

describe("the files of large blocks", () => {
  it("have their names only once they are committed; what a crash left without a name is removed", async () => {
    const { dir, files } = await openFiles();
    const staged = await files.stage(key, large);
    expect(await files.has(key)).toBe(false);
    await files.commit([staged]);
    expect(await files.read(key)).toEqual(large);
    await files.stage(blockKey(parseCid(cidOfBlock(bytesOf(5), "raw"))), bytesOf(5));
    expect(await readdir(join(dir, "incoming"))).toHaveLength(1);
    await new BlockFiles(dir).open();
    expect(await readdir(join(dir, "incoming"))).toEqual([]);
    expect(await readdir(join(dir, "files"))).toEqual([key.slice(1)]);
  });

  it("are written again to a new file if their sync fails, and refused if that fails too", async () => {
    const { dir, files } = await openFiles();
    const once = await failSync("datasync");
    const staged = await files.stage(key, large);
    expect(once.failed()).toBe(1);
    // The file of which the sync failed is gone: the kernel may say that its pages are written although they are not.
    expect(await readdir(join(dir, "incoming"))).toEqual(["1"]);
    await files.commit([staged]);
    await failSync("datasync", 2);
    await expect(files.stage(key, large)).rejects.toMatchObject({ code: "EIO" });
    expect(await readdir(join(dir, "incoming"))).toEqual([]);
  });

  it("are not taken for durable after the sync of their names failed", async () => {
    const { files } = await openFiles();
    await failSync("sync");
    await expect(files.commit([await files.stage(key, large)])).rejects.toMatchObject({ code: "EIO" });
    expect(await files.has(key)).toBe(true);
    expect(files.isCertain(key)).toBe(false);
    await files.commit([await files.stage(key, large)]);
    expect(files.isCertain(key)).toBe(true);
  });

  it("are written at their commit where they were there when they were put, and removed meanwhile", async () => {
    const { files } = await openFiles();
    await files.commit([{ key, bytes: large, path: undefined }]);
    expect(await files.read(key)).toEqual(large);
  });

  it("are read no further than a block can be", async () => {
    const { dir, files } = await openFiles();
    await writeFile(join(dir, "files", key.slice(1)), new Uint8Array(3 * 1024 * 1024));
    expect((await files.read(key))?.length).toBe(1024 * 1024 + 1);
  });
});

describe("a large block in a store", () => {
  async function store() {
    const dir = temporaryFolder();
    const opened = await openDisk(dir);
    return { dir, store: opened };
  }

  it("is a file, one byte less is none, and the second put of it writes no second one", async () => {
    const { dir, store: content } = await store();
    expect(await content.put(large, { codec: "raw" })).toBe(cid);
    await content.put(large.subarray(1), { codec: "raw" });
    expect(await readdir(join(dir, "store", "files"))).toEqual([key.slice(1)]);
    const syncs = await failSync("datasync", 2);
    await content.put(large, { codec: "raw" });
    expect(syncs.failed()).toBe(0);
    expect(await content.get(cid)).toEqual(large);
  });

  it("is not acknowledged if it cannot be synced, and is afterwards", async () => {
    const { store: content } = await store();
    await failSync("datasync", 2);
    await expect(content.put(large, { codec: "raw" })).rejects.toMatchObject({ kind: "storage" });
    expect(await content.has(cid)).toBe(false);
    await content.put(large, { codec: "raw" });
    expect(await content.has(cid)).toBe(true);
  });

  it("that was altered goes into quarantine as it is, and is healed by a put", async () => {
    const { dir, store: content } = await store();
    await content.put(large, { codec: "raw", keep: "model" });
    await alterOnDisk(dir, cid);
    await expect(content.get(cid)).rejects.toMatchObject({ kind: "corrupt" });
    expect(await readdir(join(dir, "store", "quarantine"))).toHaveLength(1);
    expect(await content.scrub()).toMatchObject({ bad: 1, lost: [{ cid, pins: [`model/${cid}`] }] });
    await content.put(large, { codec: "raw" });
    expect(await content.scrub()).toMatchObject({ bad: 0 });
  });

  it("that was emptied, or is another file, is altered", async () => {
    const { dir, store: content } = await store();
    for (const bytes of [new Uint8Array(), bytesOf(3 * 1024 * 1024)]) {
      await content.put(large, { codec: "raw" });
      await writeFile(fileOf(dir, cid), bytes);
      await expect(content.get(cid)).rejects.toMatchObject({ kind: "corrupt" });
    }
  });

  it("gives its space back when it is collected, and is spared while it is young", async () => {
    const { dir, store: content } = await store();
    await content.put(large, { codec: "raw" });
    expect(await content.gc()).toMatchObject({ spared: 1, removed: 0 });
    expect(await content.gc({ graceMs: 0 })).toMatchObject({ removed: 1, removedBytes: large.length });
    expect(await readdir(join(dir, "store", "files"))).toEqual([]);
  });
});
