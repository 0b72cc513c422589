import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { writeChunks } from "../../../../src/ports/content/backup/writeChunks.js";
import { failingDisk } from "../../../faults/failingDisk.js";

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "witan-chunks-"));
  path = join(dir, "file");
  return () => rm(dir, { recursive: true });
});

async function* each(chunks: Iterable<Uint8Array>, failure?: Error): AsyncGenerator<Uint8Array> {
  yield* chunks;
  if (failure !== undefined) throw failure;
}

describe("chunks that are written to a file", () => {
  it("are the file, in order, however they are cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }), async (chunks) => {
        await writeChunks(path, each(chunks));
        expect(await readFile(path)).toEqual(Buffer.concat(chunks));
      }),
      { numRuns: 15 },
    );
  });

  it("are all there where they are more than is written in one go", async () => {
    const chunks = [700_000, 700_000, 1_048_576, 1].map((length, i) => new Uint8Array(length).fill(i + 1));
    await writeChunks(path, each(chunks));
    expect(Buffer.compare(await readFile(path), Buffer.concat(chunks))).toBe(0);
  });

  it("are for the owner alone to read", async () => {
    await writeChunks(path, each([Uint8Array.of(1)]));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("take the place of a longer file", async () => {
    await writeFile(path, "a file that was here before");
    await writeChunks(path, each([Uint8Array.of(65)]));
    expect(await readFile(path, "utf8")).toBe("A");
  });

  it("pass on the failure of their source", async () => {
    await expect(writeChunks(path, each([Uint8Array.of(1)], new Error("broken")))).rejects.toThrow("broken");
  });

  it("pass on that the file cannot be written, and are not asked for", async () => {
    let asked = false;
    const chunks = (async function* () {
      asked = true;
      yield Uint8Array.of(1);
    })();
    await expect(writeChunks(join(dir, "no", "file"), chunks)).rejects.toMatchObject({ code: "disk-missing" });
    expect(asked).toBe(false);
  });

  it.each(["write", "sync", "close"] as const)(
    "leave nothing on a disk whose %s fails, where it would take up room",
    async (call) => {
      using disk = failingDisk();
      disk.fail(call, "ENOSPC", path);
      await expect(writeChunks(path, each([Uint8Array.of(1)]))).rejects.toMatchObject({ code: "disk-full" });
      expect(await readdir(dir)).toEqual([]);
    },
  );

  it.runIf(process.platform === "linux")("leave no file open, however they end", async () => {
    await writeChunks(path, each([Uint8Array.of(1)]));
    await writeChunks(path, each([], new Error("broken"))).catch(() => undefined);
    const open = await readdir("/proc/self/fd");
    const links = await Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
    expect(links).not.toContain(path);
  });
});
