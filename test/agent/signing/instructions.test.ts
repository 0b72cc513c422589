import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Instructions } from "../../../src/agent/signing/instructions.js";
import { temporaryFolder } from "../../harness/folder.js";

describe("an operator's instructions", () => {
  it("are read by whatever process comes next, the last one of each proposal", async () => {
    const dir = temporaryFolder();
    await new Instructions(dir).write("12", "for");
    await new Instructions(dir).write("12", "nothing");
    await new Instructions(dir).write("13", "against");
    const read = new Instructions(dir);
    expect([await read.read("12"), await read.read("13"), await read.read("14")]).toEqual([
      "nothing",
      "against",
      undefined,
    ]);
    expect((await stat(join(dir, "instructions", "12"))).mode & 0o077).toBe(0);
  });

  it("are refused where they are none, rather than taken for no word", async () => {
    const dir = temporaryFolder();
    await mkdir(join(dir, "instructions"));
    await writeFile(join(dir, "instructions", "12"), "yes");
    await expect(new Instructions(dir).read("12")).rejects.toThrow('not "yes"');
    await expect(new Instructions(dir).write("../12", "for")).rejects.toThrow("no proposal id");
  });
});
