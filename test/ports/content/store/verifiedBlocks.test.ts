import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { base32upper } from "multiformats/bases/base32";
import { CID } from "multiformats/cid";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { VerifiedBlocks } from "../../../../src/ports/content/store/verifiedBlocks.js";
import { contentIdOf, contentIdToCid } from "../../../../src/records/index.js";
import { systemClock } from "../../../../src/utils/clock.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { alterOnDisk, bytesOf } from "../contentNodes.js";

const cidOf = (bytes: Uint8Array) => CID.parse(contentIdToCid(contentIdOf(bytes), "raw"));

async function blocksIn(dir: string): Promise<VerifiedBlocks> {
  const blocks = await VerifiedBlocks.open(join(dir, "store"), systemClock);
  onTestFinished(() => blocks.close());
  return blocks;
}

describe("blocks on disk", () => {
  it("are written with fsync before they are acknowledged", async () => {
    const batch = vi.spyOn(Level.prototype, "batch");
    onTestFinished(() => batch.mockRestore());
    const blocks = await blocksIn(temporaryFolder());
    await blocks.put(cidOf(bytesOf(10)), bytesOf(10));
    const all = batch.mock.calls as unknown as [{ key: string }[], { sync: boolean }][];
    // Whether the store was looked through for large blocks of earlier versions is of no consequence if it is lost.
    const calls = () => all.filter(([[change]]) => change?.key !== "!moved!");
    const written = () => calls().map(([operations]) => operations.map(({ key }) => key));
    const key = `/${base32upper.encode(cidOf(bytesOf(10)).multihash.bytes)}`;
    expect(written()).toEqual([[key, `!born!${key}`, "!writes!"]]);
    // What is there already is not written again, but its age is.
    await blocks.put(cidOf(bytesOf(10)), bytesOf(10));
    expect(written().slice(1)).toEqual([[`!born!${key}`, "!writes!"]]);
    expect(calls().every(([, options]) => options.sync)).toBe(true);
  });

  it("share one fsync where many are put at once, and each is acknowledged", async () => {
    const batch = vi.spyOn(Level.prototype, "batch");
    onTestFinished(() => batch.mockRestore());
    const blocks = await blocksIn(temporaryFolder());
    const all = Array.from({ length: 500 }, (_, index) => bytesOf(100, index + 1));
    await Promise.all(all.map((bytes) => blocks.put(cidOf(bytes), bytes)));
    expect(batch.mock.calls.length).toBeLessThan(5);
    for (const bytes of all) expect(await blocks.read(cidOf(bytes))).toEqual(bytes);
  });

  it("take no bytes that are another block, nor too many", async () => {
    const blocks = await blocksIn(temporaryFolder());
    await expect(blocks.put(cidOf(bytesOf(10)), bytesOf(10, 2))).rejects.toMatchObject({ kind: "corrupt" });
    const large = bytesOf(1024 * 1024 + 1);
    await expect(blocks.put(cidOf(large), large)).rejects.toMatchObject({ kind: "too-large" });
    expect(await blocks.has(cidOf(bytesOf(10)))).toBe(false);
  });

  it("come as one piece or in many, and are listed by their hash", async () => {
    const blocks = await blocksIn(temporaryFolder());
    const whole = bytesOf(10);
    await blocks.put(cidOf(whole), [whole.subarray(0, 4), whole.subarray(4)]);
    await blocks.put(cidOf(bytesOf(5)), bytesOf(5));
    const listed = [];
    for await (const { cid } of blocks.getAll()) listed.push(cid.toString());
    expect(listed.sort()).toEqual([cidOf(whole), cidOf(bytesOf(5))].map(String).sort());
    await blocks.delete(cidOf(whole));
    await expect(blocks.get(cidOf(whole)).next()).rejects.toMatchObject({ name: "NotFoundError" });
    expect(await blocks.read(cidOf(whole))).toBe("missing");
  });

  it("are healed by a write, however many read the altered bytes at that moment", async () => {
    const dir = temporaryFolder();
    const first = await VerifiedBlocks.open(join(dir, "store"), systemClock);
    const cid = cidOf(bytesOf(100));
    await first.put(cid, bytesOf(100));
    await first.close();
    await alterOnDisk(dir, cid.toString());
    const blocks = await blocksIn(dir);
    const reads = Array.from({ length: 20 }, () => blocks.read(cid));
    const healed = blocks.put(cid, bytesOf(100));
    reads.push(...Array.from({ length: 20 }, () => blocks.read(cid)));
    await healed;
    for (const found of await Promise.all(reads)) {
      expect(
        found === "corrupt" || found === "missing" || Buffer.compare(found as Uint8Array, bytesOf(100)) === 0,
      ).toBe(true);
    }
    expect(await blocks.read(cid)).toEqual(bytesOf(100));
  });

  it("fill no disk with what was altered", async () => {
    const dir = temporaryFolder();
    const first = await VerifiedBlocks.open(join(dir, "store"), systemClock);
    const all = Array.from({ length: 70 }, (_, index) => bytesOf(10, index + 1));
    for (const bytes of all) await first.put(cidOf(bytes), bytes);
    await first.close();
    for (const bytes of all) await alterOnDisk(dir, cidOf(bytes).toString());
    const blocks = await blocksIn(dir);
    for (const bytes of all) expect(await blocks.read(cidOf(bytes))).toBe("corrupt");
    for (const bytes of all) expect(await blocks.read(cidOf(bytes))).toBe("missing");
    expect(await readdir(join(dir, "store", "quarantine"))).toHaveLength(64);
  });

  it("say that the disk does not answer, rather than that a block is missing", async () => {
    const blocks = await VerifiedBlocks.open(join(temporaryFolder(), "store"), systemClock);
    await blocks.close();
    await expect(blocks.read(cidOf(bytesOf(10)))).rejects.toMatchObject({ kind: "storage", retryable: false });
    await expect(blocks.put(cidOf(bytesOf(10)), bytesOf(10))).rejects.toMatchObject({ kind: "storage" });
  });
});
