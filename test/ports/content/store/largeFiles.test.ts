import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createDiskContent } from "../../../../src/ports/content/drivers/disk.js";
import { createMemoryContent, MAX_BLOCK_BYTES } from "../../../../src/ports/content/index.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { bytesOf, openDisk } from "../contentNodes.js";

/** Large enough to be hashed on threads, with a last block that is shorter. */
const BYTES = bytesOf(18 * MAX_BLOCK_BYTES + 200_000);

/** Pieces in one buffer, each overwritten by the next. */
function* overwritten(bytes: Uint8Array, length = 300_000): Generator<Uint8Array> {
  const buffer = new Uint8Array(length);
  for (let at = 0; at < bytes.length; at += length) {
    const piece = bytes.subarray(at, at + length);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
  }
}

async function storeIn(dir: string) {
  const content = await openDisk(dir);
  return { content, file: await content.putFile(overwritten(BYTES)) };
}

/** The path of a leaf of the file. */
async function leafIn(dir: string, index: number): Promise<string> {
  const leaf = BYTES.subarray(index * MAX_BLOCK_BYTES, (index + 1) * MAX_BLOCK_BYTES);
  for (const name of await readdir(join(dir, "store", "files"))) {
    const path = join(dir, "store", "files", name);
    if (Buffer.compare(await readFile(path), leaf) === 0) return path;
  }
  throw new Error("the leaf has no file");
}

describe("a large file in a store on the disk", () => {
  it("has the CID and the sha256 that every store gives it, and comes back whole after a restart", async () => {
    const dir = temporaryFolder();
    const content = await createDiskContent({ dir });
    const file = await content.putFile(overwritten(BYTES));
    expect(file).toEqual(await createMemoryContent().putFile([BYTES]));
    await content.close();
    const opened = await (await openDisk(dir)).openFile(file.cid);
    // Kept by the reader: they are its own.
    const chunks: Uint8Array[] = [];
    for await (const chunk of opened.read({ sha256: file.sha256 })) chunks.push(chunk);
    expect(Buffer.compare(Buffer.concat(chunks), BYTES)).toBe(0);
  });

  it("is read with the same few buffers if its reader keeps no chunk", async () => {
    const { content, file } = await storeIn(temporaryFolder());
    const opened = await content.openFile(file.cid);
    const copy = new Uint8Array(BYTES.length);
    let seen = 0;
    const chunks: Uint8Array[] = [];
    for await (const chunk of opened.read({ sha256: file.sha256, reuse: true })) {
      copy.set(chunk, seen);
      seen += chunk.length;
      chunks.push(chunk);
    }
    expect(Buffer.compare(copy, BYTES)).toBe(0);
    // A buffer that is used again is gone from the chunk that had it, so that nobody reads other bytes there.
    expect(chunks.filter(({ length }) => length === 0).length).toBeGreaterThan(0);
    let rest = 0;
    for await (const chunk of opened.read({ offset: 1_500_000, reuse: true })) rest += chunk.length;
    expect(rest).toBe(BYTES.length - 1_500_000);
  });

  it("is refused at the first altered block, which goes into quarantine, whichever way it is read", async () => {
    const dir = temporaryFolder();
    const { content, file } = await storeIn(dir);
    const path = await leafIn(dir, 7);
    const bytes = await readFile(path);
    for (const altered of [Buffer.concat([bytes, Buffer.of(0)]), bytes.fill(1, 500, 501), bytes.subarray(0, 10)]) {
      await writeFile(path, altered);
      const opened = await content.openFile(file.cid);
      let seen = 0;
      const reading = async () => {
        for await (const chunk of opened.read({ sha256: file.sha256, reuse: true })) seen += chunk.length;
      };
      await expect(reading()).rejects.toMatchObject({ kind: "corrupt" });
      expect(seen).toBe(7 * MAX_BLOCK_BYTES);
      await expect(reading()).rejects.toMatchObject({ kind: "missing" });
    }
    expect(await readdir(join(dir, "store", "quarantine"))).toHaveLength(3);
    // Put again, it is whole again.
    await content.putFile([BYTES]);
    const opened = await content.openFile(file.cid);
    let seen = 0;
    for await (const chunk of opened.read({ sha256: file.sha256 })) seen += chunk.length;
    expect(seen).toBe(BYTES.length);
  });

  it("is refused as a whole if its sha256 is another", async () => {
    const { content, file } = await storeIn(temporaryFolder());
    const opened = await content.openFile(file.cid);
    const reading = async () => {
      for await (const _ of opened.read({ sha256: `0x${"00".repeat(32)}`, reuse: true }));
    };
    await expect(reading()).rejects.toMatchObject({ kind: "corrupt" });
  });

  it("may be given up at any place, in and out, and a later one is whole", async () => {
    const dir = temporaryFolder();
    const { content, file } = await storeIn(dir);
    const opened = await content.openFile(file.cid);
    for await (const _ of opened.read({ sha256: file.sha256, reuse: true })) break;
    const controller = new AbortController();
    const reason = new Error("enough");
    function* cut() {
      let seen = 0;
      for (const piece of overwritten(BYTES)) {
        seen += piece.length;
        if (seen > 17 * MAX_BLOCK_BYTES) controller.abort(reason);
        yield piece;
      }
    }
    await expect(content.putFile(cut(), { signal: controller.signal })).rejects.toBe(reason);
    await rm(await leafIn(dir, 17));
    expect(await content.putFile(overwritten(BYTES))).toEqual(file);
    expect(await readdir(join(dir, "store", "incoming"))).toEqual([]);
  });
});
