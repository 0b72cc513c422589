import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { readPins, writePins } from "../../../../src/ports/content/backup/pinsFile.js";
import { cidOfBlock } from "../../../../src/ports/content/cid.js";
import type { Pin } from "../../../../src/ports/content/maintenance.js";

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "witan-pins-file-"));
  path = join(dir, "pins.jsonl");
  return () => rm(dir, { recursive: true });
});

const pin = (name: string, reason = "record"): Pin => ({
  name,
  cid: cidOfBlock(Uint8Array.of(1)),
  reason,
  scope: "block",
  since: 7,
});

async function* each(pins: readonly Pin[], failure?: Error): AsyncGenerator<Pin> {
  yield* pins;
  if (failure !== undefined) throw failure;
}

async function read(): Promise<Pin[]> {
  const found: Pin[] = [];
  for await (const one of readPins(dir, "pins.jsonl")) found.push(one);
  return found;
}

describe("the pins of a backup", () => {
  it("are read as they were written, whatever their names", async () => {
    const unit = fc.constantFrom("a", "/", "\n", "\r", "\u2028", "\0", '"', "\\", "é", "𝄞");
    const text = fc.string({ unit, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, text), { maxLength: 5 }), async (all) => {
        const pins = all.map(([name, reason]) => pin(name, reason));
        expect(await writePins(path, each(pins))).toBe(pins.length);
        expect(await read()).toEqual(pins);
      }),
      { numRuns: 15 },
    );
  });

  it("are a line each, so that a name with line breaks is one pin", async () => {
    await writePins(path, each([pin("a\nb\r\n\u2028c"), pin("d")]));
    expect((await readFile(path, "utf8")).split("\n")).toHaveLength(3);
    expect((await read()).map(({ name }) => name)).toEqual(["a\nb\r\n\u2028c", "d"]);
  });

  it("are whole where a read of the file ends in the middle of a line, or of a letter", async () => {
    // Letters of two, three and four bytes, over more than one read of 64 KiB.
    const pins = Array.from({ length: 900 }, (_, i) => pin(`${"é€𝄞".repeat(1 + (i % 5))} ${i}`));
    expect(await writePins(path, each(pins))).toBe(pins.length);
    expect((await readFile(path)).length).toBeGreaterThan(2 * 64 * 1024);
    expect(await read()).toEqual(pins);
  });

  it("are none of an empty store", async () => {
    expect(await writePins(path, each([]))).toBe(0);
    expect(await read()).toEqual([]);
  });

  it("pass on the failure of the store that lists them", async () => {
    await expect(writePins(path, each([pin("a")], new Error("broken")))).rejects.toThrow("broken");
  });

  it("cannot be read from a file that is not there, or that holds something else", async () => {
    await expect(read()).rejects.toMatchObject({ code: "ENOENT" });
    await writePins(path, each([pin("a")]));
    await appendFile(path, "not a pin\n");
    await expect(read()).rejects.toThrow(SyntaxError);
  });
});
