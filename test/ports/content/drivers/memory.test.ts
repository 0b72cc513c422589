import { describe, expect, it } from "vitest";
import { cidOfBlock } from "../../../../src/ports/content/cid.js";
import { createMemoryContent } from "../../../../src/ports/content/drivers/memory.js";

const bytes = Uint8Array.of(1, 2, 3);
const cid = cidOfBlock(bytes);

describe("a store in memory", () => {
  it("holds copies: neither what was put nor what was read changes a block", async () => {
    const store = createMemoryContent();
    const mine = bytes.slice();
    await store.put(mine);
    mine[0] = 9;
    (await store.get(cid))[0] = 9;
    expect(await store.get(cid)).toEqual(bytes);
  });

  it("uses the given map as it is", async () => {
    const blocks = new Map([[cid, bytes]]);
    const store = createMemoryContent(blocks);
    expect(await store.get(cid)).toEqual(bytes);
    const other = await store.put(Uint8Array.of(4), { codec: "raw" });
    expect([...blocks.keys()]).toEqual([cid, other]);
    blocks.clear();
    await expect(store.get(cid)).rejects.toMatchObject({ kind: "missing", retryable: true });
  });

  it("gives no block that was altered: it is corrupt once, and then missing", async () => {
    const store = createMemoryContent(new Map([[cid, Uint8Array.of(1, 2, 4)]]));
    expect(await store.has(cid)).toBe(false);
    await expect(store.get(cid)).rejects.toMatchObject({ kind: "corrupt" });
    await expect(store.get(cid)).rejects.toMatchObject({ kind: "missing" });
    await store.put(bytes);
    expect(await store.get(cid)).toEqual(bytes);
  });

  it("tells the codecs of the same bytes apart", async () => {
    const store = createMemoryContent();
    const raw = await store.put(bytes, { codec: "raw" });
    expect(raw).not.toBe(cid);
    expect([await store.has(raw), await store.has(cid)]).toEqual([true, false]);
  });

  it("gives no block over the caller's limit, and reads no CID that is none", async () => {
    const store = createMemoryContent();
    await store.put(bytes);
    expect(await store.get(cid, { maxBytes: 3 })).toEqual(bytes);
    await expect(store.get(cid, { maxBytes: 2 })).rejects.toMatchObject({ kind: "too-large" });
    await expect(store.get("hello")).rejects.toMatchObject({ kind: "invalid-cid" });
    await expect(store.has("hello")).rejects.toMatchObject({ kind: "invalid-cid" });
  });

  it("throws the reason of a caller that has aborted, and stores nothing for it", async () => {
    const store = createMemoryContent();
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(store.put(bytes, { signal })).rejects.toBe(reason);
    expect(await store.has(cid)).toBe(false);
    await expect(store.get(cid, { signal })).rejects.toBe(reason);
    await expect(store.putFile([bytes], { signal })).rejects.toBe(reason);
  });

  it("stores files whole and opens them", async () => {
    const store = createMemoryContent();
    const { cid: file, bytes: length, sha256 } = await store.putFile([bytes.subarray(0, 1), bytes.subarray(1)]);
    expect(length).toBe(3);
    expect(await store.getFile(file, { sha256 })).toEqual(bytes);
    const opened = await store.openFile(file);
    const rest = [];
    for await (const chunk of opened.read({ offset: 1 })) rest.push(...chunk);
    expect([opened.bytes, rest]).toEqual([3, [2, 3]]);
  });

  it("refuses every call once it is closed", async () => {
    const store = createMemoryContent();
    await store.put(bytes);
    await store.close();
    await store.close();
    const calls = [store.put(bytes), store.get(cid), store.has(cid), store.putFile([bytes]), store.getFile(cid)];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: "rejected", reason: { kind: "storage" } });
    }
  });
});
