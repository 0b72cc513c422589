import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as dagCbor from "@ipld/dag-cbor";
import { describe, expect, it, onTestFinished } from "vitest";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";
import { type GetOptions, MAX_BLOCK_BYTES } from "../../../../src/ports/content/content.js";
import { createOwnBlocks } from "../../../../src/ports/content/store/ownBlocks.js";
import { VerifiedBlocks } from "../../../../src/ports/content/store/verifiedBlocks.js";
import { frozen } from "../../../harness/clock.js";

const NOW = 1_800_000_000_000;
const bytes = Uint8Array.of(1, 2, 3);
const cid = cidOfBlock(bytes);

/** A store over blocks on disk whose peers are a map, with a record of all that it asked for or told. */
async function open() {
  const dir = await mkdtemp(join(tmpdir(), "witan-own-"));
  const blocks = await VerifiedBlocks.open(dir, frozen(NOW));
  const elsewhere = new Map<string, Uint8Array>();
  const fetched: { readonly cid: string; readonly altered: boolean; readonly options: GetOptions }[] = [];
  const told: string[] = [];
  const counts = { closed: 0 };
  const store = createOwnBlocks({
    blocks,
    clock: frozen(NOW),
    async fetch(wanted, altered, options) {
      fetched.push({ cid: `${wanted}`, altered, options });
      const found = elsewhere.get(`${wanted}`);
      if (found === undefined) throw new Error("nobody has it");
      return found;
    },
    heal: async () => false,
    onPut: (put) => told.push(`${put}`),
    async close() {
      counts.closed += 1;
      await blocks.close();
    },
  });
  onTestFinished(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });
  return { blocks, store, elsewhere, fetched, told, counts };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe("a store over blocks on disk", () => {
  it("reads what it has, and fetches only what it has not", async () => {
    const { store, elsewhere, fetched } = await open();
    await store.put(bytes);
    expect(await store.get(cid)).toEqual(bytes);
    expect(fetched).toEqual([]);

    const other = Uint8Array.of(4);
    elsewhere.set(cidOfBlock(other), other);
    const options = { timeoutMs: 7, providers: ["a peer"] };
    expect(await store.get(cidOfBlock(other), options)).toEqual(other);
    expect(fetched).toEqual([{ cid: cidOfBlock(other), altered: false, options }]);
    expect(await store.has(cidOfBlock(other))).toBe(false);
  });

  it("holds what it fetched to the caller's limit too", async () => {
    const { store, elsewhere } = await open();
    elsewhere.set(cid, bytes);
    expect(await store.get(cid, { maxBytes: 3 })).toEqual(bytes);
    await expect(store.get(cid, { maxBytes: 2 })).rejects.toMatchObject({ kind: "too-large" });
    await store.put(bytes);
    await expect(store.get(cid, { maxBytes: 2 })).rejects.toMatchObject({ kind: "too-large" });
  });

  it("tells of every block that is put, those of files as well, once it is stored", async () => {
    const { store, told } = await open();
    await store.put(bytes);
    const file = await store.putFile([Uint8Array.of(5)]);
    expect(told).toEqual([cid, file.cid]);
    await expect(store.put(new Uint8Array(MAX_BLOCK_BYTES + 1))).rejects.toMatchObject({ kind: "too-large" });
    expect(told).toHaveLength(2);
  });

  it("keeps a block alone, and a file with all its blocks, under the reason that was given", async () => {
    const { store } = await open();
    await store.put(bytes, { keep: "record" });
    const file = await store.putFile([Uint8Array.of(5)], { keep: "model" });
    await store.put(Uint8Array.of(6));
    expect(await all(store.pins.list())).toEqual([
      { name: `model/${file.cid}`, cid: file.cid, reason: "model", scope: "tree", since: NOW },
      { name: `record/${cid}`, cid, reason: "record", scope: "block", since: NOW },
    ]);
    expect(await store.gc({ graceMs: 0 })).toMatchObject({ kept: 2, removed: 1 });
  });

  it("loses no block of a file to a gc that runs before the file is pinned", async () => {
    const { blocks, store } = await open();
    const removed: number[] = [];
    const set = blocks.pins.set.bind(blocks.pins);
    blocks.pins.set = async (pin) => {
      removed.push((await store.gc({ graceMs: 0 })).removed);
      await set(pin);
    };
    const file = await store.putFile([bytes], { keep: "model" });
    expect(removed).toEqual([0]);
    expect(await store.gc({ graceMs: 0 })).toMatchObject({ kept: 1, removed: 0 });
    expect(await store.getFile(file.cid, { sha256: file.sha256 })).toEqual(bytes);
  });

  it("spares the blocks of a file no longer once storing it has failed", async () => {
    const { blocks, store } = await open();
    blocks.pins.set = () => Promise.reject(new Error("the disk is full"));
    await expect(store.putFile([bytes], { keep: "model" })).rejects.toThrow("the disk is full");
    expect(await store.gc({ graceMs: 0 })).toMatchObject({ removed: 1 });
  });

  it("lists the blocks that pins need, each with its pin, and all blocks by their hash", async () => {
    const { store } = await open();
    const leaf = await store.put(bytes, { codec: "raw" });
    const top = await store.put(dagCbor.encode({ leaf: parseCid(leaf) }));
    await store.pins.set({ name: "tree", cid: top, reason: "model" });
    await store.pins.set({ name: "alone", cid: top, reason: "record", scope: "block" });
    expect(await all(store.needed())).toEqual([
      { cid: top, pin: "alone" },
      { cid: top, pin: "tree" },
      { cid: leaf, pin: "tree" },
    ]);
    expect(
      await all(
        store.needed(
          (async function* () {
            const pin = await store.pins.get("alone");
            if (pin !== undefined) yield pin;
          })(),
        ),
      ),
    ).toEqual([{ cid: top, pin: "alone" }]);
    const listed = await all(store.blocks());
    expect(listed).toContainEqual({ cid: leaf, bytes: bytes.length, since: NOW });
    expect(listed).toHaveLength(2);
  });

  it("does nothing for a caller that has aborted", async () => {
    const { store, told, fetched } = await open();
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(store.put(bytes, { signal })).rejects.toBe(reason);
    await expect(store.get(cid, { signal })).rejects.toBe(reason);
    expect([told, fetched]).toEqual([[], []]);
  });

  it("is closed once, and refuses every call after that", async () => {
    const { store, counts } = await open();
    await Promise.all([store.close(), store.close()]);
    expect(counts.closed).toBe(1);
    const calls = [
      store.put(bytes),
      store.get(cid),
      store.has(cid),
      store.putFile([bytes]),
      store.gc(),
      store.scrub(),
      all(store.needed()),
      all(store.blocks()),
    ];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: "rejected", reason: { kind: "storage" } });
    }
  });
});
