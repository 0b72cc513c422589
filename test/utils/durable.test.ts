import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { writeDurably } from "../../src/utils/durable.js";
import { failingDisk } from "../faults/failingDisk.js";

const folder = () => mkdtemp(join(tmpdir(), "witan-durable-"));

it("replaces a file as a whole, and leaves nothing else behind", async () => {
  const path = join(await folder(), "deep", "file.json");
  await writeDurably(path, "first");
  await writeDurably(path, new TextEncoder().encode("second"));
  expect(await readFile(path, "utf8")).toBe("second");
  expect(await readdir(join(path, ".."))).toEqual(["file.json"]);
});

it("leaves nothing behind where it cannot write", async () => {
  const dir = await folder();
  await expect(writeDurably(dir, "a folder stands in the way")).rejects.toThrow();
  expect(await readdir(join(dir, ".."))).not.toContainEqual(expect.stringMatching(/witan-durable-\w+\..*\.tmp$/));
});

it("makes files that their owner alone can read", async () => {
  const path = join(await folder(), "file");
  await writeDurably(path, "text");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it.skipIf(process.platform === "win32")("keeps the old bytes where the new ones do not fit on the disk", async () => {
  const path = join(await folder(), "file");
  await writeDurably(path, "old");
  // A limit on the size of files cuts a write short as a full disk does.
  const source = JSON.stringify(new URL("../../src/utils/durable.ts", import.meta.url).href);
  const code = `import(${source}).then(({ writeDurably }) => writeDurably(process.argv[1], Buffer.alloc(200_000, 1))
    .then(() => console.log("written"), ({ code }) => console.log(code)))`;
  const command = `trap "" XFSZ; ulimit -f 64; exec "$0" --import tsx -e "$1" "$2"`;
  const { stdout } = await promisify(execFile)("bash", ["-c", command, process.execPath, code, path]);
  expect(stdout.trim()).toBe("disk-full");
  expect(await readFile(path, "utf8")).toBe("old");
  expect(await readdir(join(path, ".."))).toEqual(["file"]);
});

it.each(["open", "write", "sync", "close", "rename"] as const)(
  "keeps the old file, and nothing beside it, where the %s fails",
  async (call) => {
    const dir = await folder();
    const path = join(dir, "file");
    await writeDurably(path, "old");
    using disk = failingDisk();
    disk.fail(call, "EIO", call === "rename" ? "file" : ".tmp");
    await expect(writeDurably(path, "new")).rejects.toMatchObject({ code: "disk-failed", retryable: true });
    expect([await readFile(path, "utf8"), await readdir(dir)]).toEqual(["old", ["file"]]);
    disk.heal();
    await writeDurably(path, "new");
    expect((await disk.afterPowerCut(path)).toString()).toBe("new");
  },
);

it("cut by a full disk, wherever, leaves the old file, and nothing beside it", async () => {
  const dir = await folder();
  const path = join(dir, "file");
  await writeDurably(path, "old");
  using disk = failingDisk();
  disk.skipsSync = true;
  const bytes = Buffer.alloc(100, "n");
  for (let room = 0; room < bytes.length; room += 3) {
    disk.room = room;
    disk.full = room % 2 === 0 ? "ENOSPC" : "EFBIG";
    await expect(writeDurably(path, bytes)).rejects.toMatchObject({ code: "disk-full" });
    expect([await readFile(path, "utf8"), await readdir(dir)]).toEqual(["old", ["file"]]);
  }
});

it("does not replace a file where it is told not to, and leaves none that is half written", async () => {
  const dir = await folder();
  const path = join(dir, "file");
  using disk = failingDisk();
  disk.room = 2;
  await expect(writeDurably(path, "first", { overwrite: false })).rejects.toMatchObject({ code: "disk-full" });
  expect(await readdir(dir)).toEqual([]);
  disk.heal();
  await writeDurably(path, "first", { overwrite: false });
  await expect(writeDurably(path, "second", { overwrite: false })).rejects.toMatchObject({ code: "EEXIST" });
  expect([await readFile(path, "utf8"), await readdir(dir)]).toEqual(["first", ["file"]]);
});
