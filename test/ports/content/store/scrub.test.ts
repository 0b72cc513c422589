import { describe, expect, it } from "vitest";
import { MAX_BLOCK_BYTES } from "../../../../src/ports/content/index.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { bytesOf, editBlocks, keyOf, openDisk, removeOnDisk, startNode } from "../contentNodes.js";

const BLOCKS = 1_200;
const EVERY = 100;

/** A store of many blocks, and the CIDs of every 100th, which are altered: by turns one bit flipped and cut short. */
async function damagedStore() {
  const dir = temporaryFolder();
  const store = await openDisk(dir);
  const contents = Array.from({ length: BLOCKS }, (_, index) => bytesOf(200 + (index % 800), index + 1));
  const cids = await Promise.all(contents.map((bytes) => store.put(bytes, { keep: "record" })));
  await store.close();
  const damaged = cids.filter((_, index) => index % EVERY === 0);
  await editBlocks(dir, async (db) => {
    for (const [turn, cid] of damaged.entries()) {
      const bytes = Uint8Array.from((await db.get(keyOf(cid))) ?? []);
      if (turn % 2 === 0) bytes[turn * 7] = (bytes[turn * 7] ?? 0) ^ (1 << (turn % 8));
      await db.put(keyOf(cid), turn % 2 === 0 ? bytes : bytes.subarray(0, bytes.length >> 1));
    }
  });
  return { dir, cids, contents, damaged };
}

describe("a store in which every 100th block was altered", () => {
  it("finds each on read, and gives every other block", async () => {
    const { dir, cids, contents, damaged } = await damagedStore();
    const store = await openDisk(dir);
    for (const [index, cid] of cids.entries()) {
      if (damaged.includes(cid)) await expect(store.get(cid)).rejects.toMatchObject({ kind: "corrupt" });
      else expect(await store.get(cid)).toEqual(contents[index]);
    }
  });

  it("finds each by a scan, and names it with what kept it where no good copy exists", async () => {
    const { dir, damaged } = await damagedStore();
    const store = await openDisk(dir);
    const progress: number[] = [];
    const found = await store.scrub({ onProgress: ({ blocks }) => progress.push(blocks) });
    expect(found).toMatchObject({ blocks: BLOCKS, bad: damaged.length, healed: 0 });
    const named = damaged.map((cid) => ({ cid, pins: [`record/${cid}`] }));
    expect(found.lost.toSorted(byCid)).toEqual(named.toSorted(byCid));
    expect(progress.at(-1)).toBe(BLOCKS);
    // They are gone from the disk, and needed still.
    expect(await store.scrub()).toMatchObject({ blocks: BLOCKS - damaged.length, bad: damaged.length });
  });

  it("is healed from peers by a scan, and what no peer has is named", async () => {
    const { dir, cids, contents, damaged } = await damagedStore();
    const half = damaged.slice(0, damaged.length / 2);
    const peer = await startNode();
    for (const cid of half) await peer.put(contents[cids.indexOf(cid)] ?? new Uint8Array());
    const store = await startNode({ dir, peers: peer.multiaddrs() });
    await expect.poll(() => store.connections()).toBe(1);
    const { bad, healed, lost } = await store.scrub();
    expect({ bad, healed }).toEqual({ bad: damaged.length, healed: half.length });
    expect(lost.map(({ cid }) => cid).sort()).toEqual(damaged.filter((cid) => !half.includes(cid)).sort());
    for (const cid of half) expect(await store.get(cid)).toEqual(contents[cids.indexOf(cid)]);
  });

  it("is healed on read from a peer, block by block", async () => {
    const { dir, cids, contents, damaged } = await damagedStore();
    const peer = await startNode();
    await Promise.all(damaged.map((cid) => peer.put(contents[cids.indexOf(cid)] ?? new Uint8Array())));
    const store = await startNode({ dir, peers: peer.multiaddrs() });
    for (const cid of damaged) expect(await store.get(cid)).toEqual(contents[cids.indexOf(cid)]);
    expect(await store.scrub()).toMatchObject({ blocks: BLOCKS, bad: 0 });
  });
});

describe("a scan", () => {
  it("heals a tree from its root down, though all of it is gone", async () => {
    const peer = await startNode();
    const bytes = bytesOf(5 * MAX_BLOCK_BYTES);
    const { cid, sha256 } = await peer.putFile([bytes]);
    const store = await startNode({ peers: peer.multiaddrs() });
    await expect.poll(() => store.connections()).toBe(1);
    await store.pins.set({ name: "model/x", cid, reason: "model" });
    expect(await store.scrub()).toEqual({ blocks: 0, bytes: 0, bad: 6, healed: 6, lost: [] });
    await peer.close();
    expect(await store.getFile(cid, { sha256 })).toHaveLength(bytes.length);
  });

  it("names the leaves of a file that are gone, by each pin that needs them", async () => {
    const dir = temporaryFolder();
    const store = await openDisk(dir);
    const bytes = bytesOf(3 * MAX_BLOCK_BYTES);
    const { cid } = await store.putFile([bytes], { keep: "model" });
    await store.pins.set({ name: "again", cid, reason: "test" });
    const leaf = await store.put(bytes.subarray(0, MAX_BLOCK_BYTES), { codec: "raw" });
    await store.close();
    await removeOnDisk(dir, leaf);
    const { lost } = await (await openDisk(dir)).scrub();
    expect(lost).toEqual([{ cid: leaf, pins: ["again", `model/${cid}`] }]);
  });

  it("ends with its caller's reason", async () => {
    const store = await openDisk(temporaryFolder());
    await store.put(bytesOf(10));
    const reason = new Error("enough");
    await expect(store.scrub({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(store.gc({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

function byCid(a: { cid: string }, b: { cid: string }): number {
  return a.cid < b.cid ? -1 : 1;
}
