import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type BackupPart, seal } from "../../../../src/ports/content/backup/backupFile.js";
import type { NamedBlock } from "../../../../src/ports/content/backup/car.js";
import {
  checkEarlierParts,
  checkPart,
  type KnownPart,
  numberAfter,
  PART_BYTES,
  wornParts,
  writeParts,
} from "../../../../src/ports/content/backup/parts.js";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "witan-parts-"));
  return () => rm(dir, { recursive: true });
});

const damaged = { code: "backup-damaged" };
const block = (byte: number): NamedBlock => {
  const bytes = new Uint8Array(20).fill(byte);
  return { cid: parseCid(cidOfBlock(bytes, "raw")), bytes };
};
const cidsOf = (...numbers: readonly number[]) => numbers.map((byte) => `${block(byte).cid}`);

async function* each(numbers: readonly number[]): AsyncGenerator<NamedBlock> {
  for (const byte of numbers) yield block(byte);
}

/** A part of these blocks, checked at the given time. */
async function part(number: number, blocks: readonly number[], checkedAt = 7): Promise<BackupPart> {
  const [known] = await writeParts(dir, number, each(blocks), checkedAt);
  if (known === undefined) throw new Error("no part was written");
  return known.part;
}

/** Alters the last byte of a file, which stays as long as it was. */
async function alter(file: string): Promise<void> {
  const bytes = await readFile(join(dir, file));
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(join(dir, file), bytes);
}

describe("the parts of a backup", () => {
  it("are written with an index of their blocks, and read whole again", async () => {
    const [known, ...others] = await writeParts(dir, 7, each([1, 2, 3]), 99);
    expect(others).toEqual([]);
    expect(known?.cids).toEqual(cidsOf(1, 2, 3));
    expect(known?.part).toEqual({
      ...(await seal(dir, "part-000007.car")),
      blocks: 3,
      checkedAt: 99,
      index: await seal(dir, "part-000007.cids"),
    });
    let blocks = 0;
    await checkPart(dir, known?.part as BackupPart, () => blocks++);
    expect(blocks).toBe(3);
    expect(await writeParts(dir, 8, each([]), 99)).toEqual([]);
  });

  it("are numbered after all that there are", async () => {
    expect(numberAfter([])).toBe(1);
    expect(numberAfter([await part(12, [1]), await part(3, [2])])).toBe(13);
  });

  it("are damaged if their blocks or their index are altered", async () => {
    const [one, two] = [await part(1, [1, 2]), await part(2, [3, 4])];
    await alter(one.file);
    await alter(two.index.file);
    for (const each of [one, two]) await expect(checkPart(dir, each)).rejects.toMatchObject(damaged);
  });

  it("are damaged if their index, whole as it is, names other blocks", async () => {
    const [one, two] = [await part(1, [1, 2]), await part(2, [3, 4])];
    await expect(checkPart(dir, { ...one, index: two.index })).rejects.toMatchObject({
      ...damaged,
      shortMessage: expect.stringContaining("names other blocks"),
    });
    const three = await part(3, [1, 2, 5]);
    await expect(checkPart(dir, { ...one, index: three.index })).rejects.toMatchObject(damaged);
  });
});

describe("the parts of an earlier backup", () => {
  it("are known by their indices; the one that was checked the longest ago is checked now", async () => {
    const parts = [await part(1, [1], 30), await part(2, [2], 10), await part(3, [3], 20)];
    const { sound, damaged: bad } = await checkEarlierParts(dir, parts, 99);
    expect(bad).toEqual([]);
    expect(sound.map(({ part: { checkedAt }, cids }) => [checkedAt, cids])).toEqual([
      [30, cidsOf(1)],
      [99, cidsOf(2)],
      [20, cidsOf(3)],
    ]);
  });

  it("have each its turn, so that altered blocks are found in time", async () => {
    const parts = [await part(1, [1], 20), await part(2, [2], 10)];
    await alter("part-000001.car");
    const first = await checkEarlierParts(dir, parts, 30);
    expect(first.damaged).toEqual([]);
    const second = await checkEarlierParts(
      dir,
      first.sound.map(({ part }) => part),
      40,
    );
    expect(second.damaged).toEqual(["part-000001.car"]);
    expect(second.sound.map(({ part }) => part.file)).toEqual(["part-000002.car"]);
  });

  it("are damaged at once if a file is gone, cut short or longer, or an index is altered", async () => {
    const parts = [await part(1, [1], 20), await part(2, [2], 20), await part(3, [3], 20), await part(4, [4], 10)];
    await rm(join(dir, "part-000001.car"));
    await appendFile(join(dir, "part-000002.car"), "more");
    await alter("part-000003.cids");
    const { sound, damaged: bad } = await checkEarlierParts(dir, parts, 99);
    expect(bad).toEqual(["part-000001.car", "part-000002.car", "part-000003.car"]);
    expect(sound.map(({ part }) => part.file)).toEqual(["part-000004.car"]);
  });

  it("may be none", async () => {
    expect(await checkEarlierParts(dir, [], 99)).toEqual({ sound: [], damaged: [] });
  });
});

describe("the parts that are written anew", () => {
  const known = (number: number, bytes: number, ...cids: string[]): KnownPart => ({
    part: {
      file: `part-${number}.car`,
      bytes,
      sha256: "ab".repeat(32),
      blocks: cids.length,
      checkedAt: 7,
      index: { file: `part-${number}.cids`, bytes: 1, sha256: "ab".repeat(32) },
    },
    cids,
  });
  const needed = (cid: string) => cid.startsWith("needed");

  it("are those of which less than half is needed", () => {
    const half = known(1, PART_BYTES, "needed 1", "old 1");
    const less = known(2, PART_BYTES, "needed 2", "old 2", "old 3");
    const all = known(3, PART_BYTES, "needed 3");
    expect(wornParts([half, less, all], needed)).toEqual([less]);
  });

  it("are small ones too if they are many, each once", () => {
    const few = Array.from({ length: 15 }, (_, i) => known(i, PART_BYTES / 2 - 1, "needed"));
    const large = known(99, PART_BYTES / 2, "needed");
    expect(wornParts([...few, large], needed)).toEqual([]);
    const worn = known(15, 10, "old");
    expect(wornParts([...few, large, worn], needed)).toEqual([...few, worn]);
  });
});
