import { spawn } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import * as dagCbor from "@ipld/dag-cbor";
import { multiaddr } from "@multiformats/multiaddr";
import { createHeliaLight } from "helia";
import { CID } from "multiformats/cid";
import { describe, expect, it, onTestFinished } from "vitest";
import { contentIdOf, contentIdToCid } from "../../../../src/records/index.js";
import { bundle } from "../../../harness/bundle.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { childNode } from "../childNode.js";
import { bytesOf, MISSING_CID, openDisk, startNode } from "../contentNodes.js";
import { collect, stockNode } from "../stockNode.js";

// Each fault twice: on Helia as it comes, so that it is known to be there still and that the test would find it, and
// through our API, where it does not reach anybody. Where the first of a pair fails, Helia has mended it.

const linking = (name: string, cid: string) => dagCbor.encode({ name, part: CID.parse(cid) });
const cidOf = (bytes: Uint8Array, codec: "raw" | "dag-cbor") => CID.parse(contentIdToCid(contentIdOf(bytes), codec));
const drain = async (all: AsyncIterable<unknown>) => {
  for await (const _ of all);
};

/** Helia without a network, on memory. */
async function plainHelia() {
  const helia = createHeliaLight({ codecs: [dagCbor] });
  await helia.start();
  onTestFinished(async () => {
    await helia.stop();
  });
  const put = async (bytes: Uint8Array, codec: "raw" | "dag-cbor") => {
    const cid = cidOf(bytes, codec);
    await helia.blockstore.put(cid, bytes);
    return cid;
  };
  return { helia, put };
}

describe("a block that two trees share, one of which is let go", () => {
  it("is lost by Helia's pins, which call its tree pinned", async () => {
    const { helia, put } = await plainHelia();
    const shared = await put(bytesOf(10), "raw");
    const [a, b] = [await put(linking("a", `${shared}`), "dag-cbor"), await put(linking("b", `${shared}`), "dag-cbor")];
    await drain(helia.pins.add(a));
    await drain(helia.pins.add(b));
    await drain(helia.pins.rm(a));
    await drain(helia.pins.add(a));
    await drain(helia.pins.rm(b));
    await helia.gc();
    expect(await helia.pins.isPinned(a)).toBe(true);
    expect(await helia.blockstore.has(shared)).toBe(false);
  });

  it("is kept by our pins", async () => {
    const store = await openDisk(temporaryFolder());
    const shared = await store.put(bytesOf(10), { codec: "raw" });
    const [a, b] = [await store.put(linking("a", shared)), await store.put(linking("b", shared))];
    for (const cid of [a, b]) await store.pins.set({ name: cid, cid, reason: "test" });
    await store.pins.drop(a);
    await store.pins.set({ name: a, cid: a, reason: "test" });
    await store.pins.drop(b);
    await store.gc({ graceMs: 0 });
    expect([await store.has(a), await store.has(b), await store.has(shared)]).toEqual([true, false, true]);
  });
});

describe("what is kept by a call that nobody looks at again", () => {
  it("is not pinned by Helia, whose call does nothing until it is iterated", async () => {
    const { helia, put } = await plainHelia();
    const cid = await put(bytesOf(10), "raw");
    await helia.pins.add(cid);
    expect(await helia.pins.isPinned(cid)).toBe(false);
  });

  it("is kept by our pins once the call resolves", async () => {
    const store = await openDisk(temporaryFolder());
    const cid = await store.put(bytesOf(10));
    await store.pins.set({ name: "mine", cid, reason: "test" });
    await store.gc({ graceMs: 0 });
    expect(await store.has(cid)).toBe(true);
  });
});

describe("a tree with a child missing", () => {
  it("kills a process that pins it by Helia", async () => {
    const script = await bundle(new URL("../pinChild.ts", import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        said += chunk.toString();
      });
    }
    const code = await new Promise((resolve) => child.on("close", resolve));
    // It caught what the call threw, and died of another rejection that nobody could catch.
    expect(said).toContain("caught");
    expect(said).not.toContain("survived");
    expect(code).not.toBe(0);
  });

  it("is kept as far as it is here by our pins, and named", async () => {
    const store = await openDisk(temporaryFolder());
    const below = await store.put(bytesOf(10), { codec: "raw" });
    const cid = await store.put(
      dagCbor.encode({ here: CID.parse(below), gone: CID.parse(MISSING_CID), too: cidOf(bytesOf(1), "raw") }),
    );
    await store.pins.set({ name: "holey", cid, reason: "test" });
    const missing = [{ cid: MISSING_CID, pins: ["holey"] }];
    expect(await store.gc({ graceMs: 0 })).toMatchObject({ removed: 0, missing });
    expect((await store.scrub()).lost).toHaveLength(2);
    expect([await store.has(cid), await store.has(below)]).toEqual([true, true]);
  });
});

/** Time for a block that is a few milliseconds away. */
const ENOUGH_MS = 4_000;
const enough = () => ({ signal: AbortSignal.timeout(ENOUGH_MS) });

describe("a get of a block right after one that was aborted", () => {
  it("hangs in Helia", async () => {
    const source = await startNode();
    const client = await stockNode();
    await client.libp2p.dial(multiaddr(source.multiaddrs()[0] ?? ""));
    let hung = 0;
    // How soon after the abort it hangs is a matter of a few milliseconds.
    for (let seed = 1; seed <= 12 && hung === 0; seed++) {
      const cid = CID.parse(await source.put(bytesOf(100, seed), { codec: "raw" }));
      const aborted = new AbortController();
      const first = collect(client.blockstore.get(cid, { signal: aborted.signal })).catch((error: unknown) => error);
      await wait(seed % 6);
      aborted.abort(new Error("enough"));
      await first;
      await collect(client.blockstore.get(cid, enough())).catch(() => {
        hung += 1;
      });
    }
    expect(hung).toBeGreaterThan(0);
  }, 60_000);

  it("gives the block through our store", async () => {
    const source = await startNode();
    const reader = await startNode({ peers: source.multiaddrs() });
    await expect.poll(() => reader.connections()).toBe(1);
    for (let seed = 1; seed <= 12; seed++) {
      const cid = await source.put(bytesOf(100, seed), { codec: "raw" });
      const aborted = new AbortController();
      const first = reader.get(cid, { signal: aborted.signal }).catch((error: unknown) => error);
      await wait(seed % 6);
      aborted.abort(new Error("enough"));
      await first;
      expect(await reader.get(cid, { timeoutMs: ENOUGH_MS })).toEqual(bytesOf(100, seed));
    }
  });
});

describe("blocks of a peer that is well, beside one that is frozen", () => {
  it("do not arrive in Helia, which waits for the frozen one", async () => {
    const frozen = await childNode(temporaryFolder());
    const source = await startNode();
    const client = await stockNode();
    for (const address of [...frozen.multiaddrs, ...source.multiaddrs()]) await client.libp2p.dial(multiaddr(address));
    // Known to bitswap before it is frozen.
    await collect(client.blockstore.get(CID.parse(await frozen.put(bytesOf(50, 99)))));
    frozen.process.kill("SIGSTOP");
    let late = 0;
    // One that is late shows it.
    for (let seed = 1; seed <= 3 && late === 0; seed++) {
      const cid = CID.parse(await source.put(bytesOf(100, seed), { codec: "raw" }));
      // Its signal is not heard while it waits.
      const block = collect(client.blockstore.get(cid, enough())).catch(() => "aborted");
      const first = await Promise.race([block, wait(ENOUGH_MS + 500, "late")]);
      if (typeof first === "string") late += 1;
      await block;
    }
    frozen.process.kill("SIGCONT");
    expect(late).toBeGreaterThan(0);
  }, 60_000);

  it("arrive through our store", async () => {
    const frozen = await childNode(temporaryFolder());
    const source = await startNode();
    const reader = await startNode({ peers: [...frozen.multiaddrs, ...source.multiaddrs()] });
    await expect.poll(() => reader.connections()).toBe(2);
    expect(await reader.get(await frozen.put(bytesOf(50, 99)))).toEqual(bytesOf(50, 99));
    frozen.process.kill("SIGSTOP");
    for (let seed = 1; seed <= 3; seed++) {
      const cid = await source.put(bytesOf(100, seed), { codec: "raw" });
      expect(await reader.get(cid, { timeoutMs: ENOUGH_MS })).toEqual(bytesOf(100, seed));
    }
    frozen.process.kill("SIGCONT");
  });
});
