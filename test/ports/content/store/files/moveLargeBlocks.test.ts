import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cidOfBlock } from "../../../../../src/ports/content/cid.js";
import { MAX_BLOCK_BYTES } from "../../../../../src/ports/content/index.js";
import { failSync } from "../../../../faults/failingSync.js";
import { temporaryFolder } from "../../../../harness/folder.js";
import { bytesOf, editBlocks, keyOf, openDisk } from "../../contentNodes.js";

const larges = [1, 2, 3].map((seed) => bytesOf(MAX_BLOCK_BYTES, seed));
const small = bytesOf(1_000);
const cidOf = (bytes: Uint8Array) => cidOfBlock(bytes, "raw");
const names = (blocks: readonly Uint8Array[]) => blocks.map((bytes) => keyOf(cidOf(bytes)).slice(1)).sort();

/** A folder as the code before files wrote it: all blocks in the database, each with its age and a pin. */
async function earlierStore(): Promise<string> {
  const dir = temporaryFolder();
  await mkdir(join(dir, "store", "blocks"), { recursive: true });
  await editBlocks(dir, async (db) => {
    for (const bytes of [...larges, small]) {
      const cid = cidOf(bytes);
      const pin = { name: `model/${cid}`, cid, reason: "model", scope: "tree", since: 7 };
      await db.batch(
        [
          { type: "put", key: keyOf(cid), value: bytes },
          { type: "put", key: `!born!${keyOf(cid)}`, value: Buffer.from(`1700000000000 ${bytes.length} abc 5 7`) },
          { type: "put", key: `!root!model/${cid}`, value: Buffer.from(JSON.stringify(pin)) },
        ],
        { sync: true } as object,
      );
    }
  });
  return dir;
}

/** Once the move is over: a scrub during it may see a block in both places. */
async function expectWhole(store: Awaited<ReturnType<typeof openDisk>>, blocks: number): Promise<void> {
  await expect.poll(() => store.scrub()).toMatchObject({ blocks, bad: 0 });
}

const filesIn = async (dir: string) => (await readdir(join(dir, "store", "files"))).sort();

describe("a store of an earlier version", () => {
  it("has its large blocks moved into files while it is used, each with its pin and age", async () => {
    const dir = await earlierStore();
    const store = await openDisk(dir);
    for (const bytes of [...larges, small]) expect(Buffer.compare(await store.get(cidOf(bytes)), bytes)).toBe(0);
    await expect.poll(() => filesIn(dir)).toEqual(names(larges));
    for (const bytes of [...larges, small]) {
      expect(Buffer.compare(await store.get(cidOf(bytes)), bytes)).toBe(0);
      expect(await store.pins.get(`model/${cidOf(bytes)}`)).toMatchObject({ since: 7 });
    }
    const ages = [];
    for await (const { since } of store.blocks()) ages.push(since);
    expect(ages).toEqual(Array(4).fill(1_700_000_000_000));
    await expectWhole(store, 4);
    await store.close();
    await editBlocks(dir, async (db) => expect(await db.has(keyOf(cidOf(larges[0] as Uint8Array)))).toBe(false));
  });

  it("goes on at the next opening where a close or a failed sync ended the move, and reads both places meanwhile", async () => {
    const dir = await earlierStore();
    await failSync("datasync", 2);
    const first = await openDisk(dir);
    for (const bytes of larges) expect(await first.has(cidOf(bytes))).toBe(true);
    await first.close();
    const second = await openDisk(dir);
    await expect.poll(() => filesIn(dir)).toEqual(names(larges));
    await expectWhole(second, 4);
  });

  it("keeps one copy of a block that is put, or removed, before its turn comes", async () => {
    const dir = await earlierStore();
    const store = await openDisk(dir);
    const [again, gone] = larges as [Uint8Array, Uint8Array];
    await Promise.all([store.put(again, { codec: "raw" }), store.pins.drop(`model/${cidOf(gone)}`)]);
    await store.gc({ graceMs: 0 });
    await expect.poll(() => filesIn(dir)).toEqual(names(larges.filter((bytes) => bytes !== gone)));
    expect(await store.has(cidOf(gone))).toBe(false);
    await expectWhole(store, 3);
  });

  it("keeps an altered block where it is, for its next reader to find", async () => {
    const dir = await earlierStore();
    const [altered] = larges as [Uint8Array];
    await editBlocks(dir, (db) => db.put(keyOf(cidOf(altered)), altered.slice().fill(7, 0, 1)));
    const store = await openDisk(dir);
    await expect.poll(() => filesIn(dir)).toEqual(names(larges.slice(1)));
    await expect(store.get(cidOf(altered))).rejects.toMatchObject({ kind: "corrupt" });
  });
});
