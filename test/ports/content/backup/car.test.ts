import { mkdtemp, readdir, readFile, readlink, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { type NamedBlock, readCar, writeCar } from "../../../../src/ports/content/backup/car.js";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";
import type { BlockCodec } from "../../../../src/records/index.js";
import { failingDisk } from "../../../faults/failingDisk.js";

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "witan-car-"));
  path = join(dir, "a.car");
  return () => rm(dir, { recursive: true });
});

const named = (bytes: Uint8Array, codec: BlockCodec = "raw"): NamedBlock => ({
  cid: parseCid(cidOfBlock(bytes, codec)),
  bytes,
});
const blocks = [10, 300, 40].map((length) => named(new Uint8Array(length).fill(length)));

async function* each(all: readonly NamedBlock[], failure?: Error): AsyncGenerator<NamedBlock> {
  yield* all;
  if (failure !== undefined) throw failure;
}

async function read(file = "a.car"): Promise<string[]> {
  const found: string[] = [];
  for await (const { cid, bytes } of readCar(dir, file)) found.push(`${cid} ${Buffer.from(bytes).toString("hex")}`);
  return found;
}

const textOf = ({ cid, bytes }: NamedBlock) => `${cid} ${Buffer.from(bytes).toString("hex")}`;
const damaged = { code: "backup-damaged" };

describe("a CAR file", () => {
  it("gives back its blocks under their names, in order", async () => {
    const codec = fc.constantFrom<BlockCodec>("raw", "dag-cbor", "dag-pb", "json");
    const block = fc.tuple(fc.uint8Array({ maxLength: 200 }), codec);
    await fc.assert(
      fc.asyncProperty(fc.array(block, { maxLength: 6 }), async (all) => {
        const written = all.map(([bytes, codec]) => named(bytes, codec));
        expect(await writeCar(path, each(written))).toBe(written.length);
        expect(await read()).toEqual(written.map(textOf));
      }),
      { numRuns: 15 },
    );
    expect(await readdir(dir)).toEqual(["a.car"]);
  });

  it("that does not fit on the disk fails, however many blocks are still to come, and leaves nothing there", async () => {
    using disk = failingDisk();
    const large = named(new Uint8Array(600_000));
    for (const room of [0, 1_000, 1_500_000]) {
      disk.room = room;
      await expect(writeCar(path, each(Array(8).fill(large)))).rejects.toMatchObject({ code: "disk-full" });
      expect(await readdir(dir)).toEqual([]);
    }
    disk.heal();
    expect(await writeCar(path, each(blocks))).toBe(3);
  });

  it("is refused where a byte of a block was altered, with the block's name, after the blocks before it", async () => {
    await writeCar(path, each(blocks));
    const bytes = await readFile(path);
    bytes[bytes.length - 1] = 0;
    await writeFile(path, bytes);
    const found: string[] = [];
    const reading = async () => {
      for await (const { cid } of readCar(dir, "a.car")) found.push(`${cid}`);
    };
    await expect(reading()).rejects.toMatchObject({
      ...damaged,
      shortMessage: `The block ${blocks[2]?.cid} in ${path} was altered.`,
    });
    expect(found).toEqual(blocks.slice(0, 2).map(({ cid }) => `${cid}`));
  });

  it.each([1, 39, 60])("is refused if its last %i bytes are gone", async (lost) => {
    await writeCar(path, each(blocks));
    await truncate(path, (await readFile(path)).length - lost);
    await expect(read()).rejects.toMatchObject(damaged);
  });

  it.each([
    ["is empty", ""],
    ["is something else", "not a CAR file at all"],
  ])("is refused if it %s", async (_, text) => {
    await writeFile(path, text);
    await expect(read()).rejects.toMatchObject({ ...damaged, shortMessage: expect.stringContaining(path) });
  });

  it("is refused if it is not there", async () => {
    await expect(read("gone.car")).rejects.toMatchObject(damaged);
  });

  it("takes the place of an earlier one only when it is whole", async () => {
    await writeCar(path, each(blocks));
    await expect(writeCar(path, each(blocks.slice(1), new Error("enough")))).rejects.toThrow("enough");
    expect(await read()).toEqual(blocks.map(textOf));
    await writeCar(path, each(blocks.slice(1)));
    expect(await read()).toEqual(blocks.slice(1).map(textOf));
  });

  describe.runIf(process.platform === "linux")("on disk", () => {
    /** The files of the folder that this process has open. */
    const open = async () => {
      const names = await readdir("/proc/self/fd");
      const links = await Promise.all(names.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
      return links.filter((link) => link.startsWith(dir));
    };

    it("is closed when its writer is cut off, as by a backup that is aborted", async () => {
      await expect(writeCar(path, each(blocks, new Error("enough")))).rejects.toThrow("enough");
      expect(await open()).toEqual([]);
    });

    it("is closed when its reader stops early", async () => {
      await writeCar(path, each(blocks));
      for await (const _ of readCar(dir, "a.car")) break;
      await expect.poll(open, { interval: 5 }).toEqual([]);
    });
  });
});
