import * as dagPb from "@ipld/dag-pb";
import { CID } from "multiformats/cid";
import { describe, expect, it } from "vitest";
import { type ContentStore, createMemoryContent } from "../../../../src/ports/content/index.js";
import { bytesOf } from "../contentNodes.js";

/** UnixFS `Data` messages by hand, so that files can be made that no importer makes. */
const FILE = 2;
const DIRECTORY = 1;
function unixfs(type: number, size?: number, parts: readonly number[] = []): Uint8Array {
  const fields = [0x08, type];
  if (size !== undefined) fields.push(0x18, ...varint(size));
  for (const part of parts) fields.push(0x20, ...varint(part));
  return Uint8Array.from(fields);
}
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}
async function dag(store: ContentStore, links: readonly string[], data: Uint8Array): Promise<string> {
  const Links = links.map((cid) => ({ Hash: CID.parse(cid), Name: "", Tsize: 1 }));
  return store.put(dagPb.encode(dagPb.prepare({ Data: data, Links })), { codec: "dag-pb" });
}

describe("a file over a store", () => {
  it("is read within one deadline for all of its blocks", async () => {
    const store = createMemoryContent();
    const { cid } = await store.putFile([bytesOf(2_500_000)]);
    // A store whose blocks never come, as with peers that do not answer; the first does, so that a file has begun.
    let asked = 0;
    const get = store.get;
    store.get = (part, options) => (asked++ === 0 ? get(part, options) : new Promise(() => undefined));
    await expect(store.getFile(cid, { timeoutMs: 200 })).rejects.toMatchObject({ kind: "timeout" });
  });

  it("ends with its caller's own reason", async () => {
    const store = createMemoryContent();
    const controller = new AbortController();
    const reason = new Error("enough");
    async function* source() {
      yield bytesOf(10);
      controller.abort(reason);
      yield bytesOf(10);
    }
    await expect(store.putFile(source(), { signal: controller.signal })).rejects.toBe(reason);
    const { cid } = await store.putFile([bytesOf(10)]);
    await expect(store.getFile(cid, { signal: controller.signal })).rejects.toBe(reason);
  });

  it("ends with its source's own error, and takes no timeout that is none", async () => {
    const store = createMemoryContent();
    async function* source() {
      yield bytesOf(10);
      throw new Error("disk gone");
    }
    await expect(store.putFile(source())).rejects.toThrow("disk gone");
    const { cid } = await store.putFile([bytesOf(10)]);
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(store.getFile(cid, { timeoutMs })).rejects.toMatchObject({ code: "invalid-input" });
    }
  });

  it("is not a folder, nor a record", async () => {
    const store = createMemoryContent();
    const folder = await dag(store, [], unixfs(DIRECTORY));
    await expect(store.getFile(folder)).rejects.toMatchObject({ kind: "invalid-cid" });
    const record = await store.put(Uint8Array.of(0xa0));
    await expect(store.getFile(record)).rejects.toMatchObject({ kind: "invalid-cid" });
  });

  it("is refused where its blocks are no UnixFS", async () => {
    const store = createMemoryContent();
    const noise = await store.put(bytesOf(100), { codec: "dag-pb" });
    await expect(store.getFile(noise)).rejects.toMatchObject({ kind: "corrupt" });
    const empty = await dag(store, [], Uint8Array.of(0xff, 0xff));
    await expect(store.getFile(empty)).rejects.toMatchObject({ kind: "corrupt" });
  });

  it("is refused where it is longer or shorter than it says", async () => {
    const store = createMemoryContent();
    const leaf = await store.put(bytesOf(100), { codec: "raw" });
    for (const claim of [50, 150, 2 ** 40]) {
      const root = await dag(store, [leaf], unixfs(FILE, claim, [claim]));
      await expect(store.getFile(root)).rejects.toMatchObject({ kind: expect.stringMatching(/corrupt|too-large/) });
    }
  });

  it.each([
    // 2^30 leaves of no bytes, as they are or said to have some.
    ["of nothing", 0, 0, 0],
    ["of nothing, said to be something", 0, 1_000, 500],
    // A small file by what its root says, whatever is below.
    ["below a small root", 1_000, 1_000, 500],
  ])("is refused where a few blocks unfold into endlessly many %s", async (_what, leafBytes, size, part) => {
    const store = createMemoryContent();
    let cid = await store.put(bytesOf(leafBytes), { codec: "raw" });
    for (let level = 0; level < 30; level++) cid = await dag(store, [cid, cid], unixfs(FILE, size, [part, part]));
    await expect(store.getFile(cid)).rejects.toMatchObject({ kind: "corrupt" });
  });

  it("is refused where it unfolds into more bytes, blocks or levels than the reader allows", async () => {
    const store = createMemoryContent();
    const leaf = await store.put(bytesOf(1_000), { codec: "raw" });
    let wide = leaf;
    for (let level = 0, size = 2_000; level < 30; level++, size *= 2) {
      wide = await dag(store, [wide, wide], unixfs(FILE, size, [size / 2, size / 2]));
    }
    await expect(store.getFile(wide)).rejects.toMatchObject({ kind: "too-large" });
    let deep = leaf;
    for (let level = 0; level < 14; level++) deep = await dag(store, [deep], unixfs(FILE, 1_000, [1_000]));
    await expect(store.getFile(deep)).rejects.toMatchObject({ kind: "corrupt" });
    const byte = await store.put(bytesOf(1), { codec: "raw" });
    const crumbs = await dag(store, new Array(100).fill(byte), unixfs(FILE, 100, new Array(100).fill(1)));
    await expect(store.getFile(crumbs, { maxBytes: 100 })).rejects.toMatchObject({ kind: "too-large" });
    expect(await store.getFile(crumbs)).toHaveLength(100);
  });

  it("fails as one where several of its blocks are missing, on either way", async () => {
    const blocks = new Map<string, Uint8Array>();
    const store = createMemoryContent(blocks);
    const { cid } = await store.putFile([bytesOf(6 * 1024 * 1024)]);
    for (const each of [...blocks.keys()]) if (each !== cid) blocks.delete(each);
    await expect(store.getFile(cid)).rejects.toMatchObject({ kind: "missing" });
    store.put = () => Promise.reject(new Error("disk full"));
    const { putFile } = await import("../../../../src/ports/content/unixfs/putFile.js");
    await expect(putFile(store, [bytesOf(6 * 1024 * 1024)])).rejects.toThrow("disk full");
  });

  it("is read whole where its nodes hold bytes of their own, as older importers wrote", async () => {
    const store = createMemoryContent();
    const data = (bytes: Uint8Array) => Uint8Array.from([0x08, FILE, 0x12, bytes.length, ...bytes, 0x18, bytes.length]);
    const leaves = [await dag(store, [], data(bytesOf(5, 1))), await dag(store, [], data(bytesOf(7, 2)))];
    const root = await dag(store, leaves, unixfs(FILE, 12, [5, 7]));
    expect([...(await store.getFile(root))]).toEqual([...bytesOf(5, 1), ...bytesOf(7, 2)]);
    const links = await dag(store, leaves, unixfs(FILE, 12, [12]));
    await expect(store.getFile(links)).rejects.toMatchObject({ kind: "corrupt" });
  });
});
