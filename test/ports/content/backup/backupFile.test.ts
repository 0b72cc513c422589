import { appendFile, mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import {
  BackupError,
  type BackupFile,
  checkSeal,
  readBackupFile,
  seal,
  writeBackupFile,
} from "../../../../src/ports/content/backup/backupFile.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "witan-backup-file-"));
  return () => rm(dir, { recursive: true });
});

const sealed = (file: string) => ({ file, bytes: 3, sha256: "ab".repeat(32) });
const backup: BackupFile = {
  schema: "witan/backup/2",
  subject: { name: "node-1", chainId: 31_337, contracts: { NodeRegistry: "0x01" }, deployedAtBlock: 7 },
  time: 1_800_000_000_000,
  parts: [{ ...sealed("part-000001.car"), blocks: 2, checkedAt: 7, index: sealed("part-000001.cids") }],
  pins: { ...sealed("pins-7.jsonl"), count: 1 },
  files: [{ ...sealed("files-7/sub/outbox.jsonl"), path: "sub/outbox.jsonl" }],
  earlier: [],
  earlierParts: [],
};
const damaged = { code: "backup-damaged", retryable: false };
const write = (value: unknown) => writeFile(join(dir, "backup.json"), JSON.stringify(value));

describe("the file that names all others of a backup", () => {
  it("is read as it was written, and replaced in one step", async () => {
    await writeBackupFile(dir, { ...backup, time: 1 });
    await writeBackupFile(dir, backup);
    expect(await readBackupFile(dir)).toEqual(backup);
    expect(await readdir(dir)).toEqual(["backup.json"]);
    expect((await stat(join(dir, "backup.json"))).mode & 0o777).toBe(0o600);
  });

  it("is undefined where there is no backup, nor even a folder", async () => {
    expect(await readBackupFile(dir)).toBeUndefined();
    expect(await readBackupFile(join(dir, "no"))).toBeUndefined();
  });

  it("is damaged, not missing, if it cannot be read or says something else", async () => {
    await mkdir(join(dir, "backup.json"));
    await expect(readBackupFile(dir)).rejects.toMatchObject(damaged);
    await rm(join(dir, "backup.json"), { recursive: true });
    await writeFile(join(dir, "backup.json"), JSON.stringify(backup).slice(0, -1));
    await expect(readBackupFile(dir)).rejects.toMatchObject({
      ...damaged,
      shortMessage: expect.stringContaining(join(dir, "backup.json")),
    });
  });

  it.each<[string, object]>([
    ["another version", { schema: "witan/backup/3" }],
    ["a field that it does not know", { extra: 1 }],
    ["no pins", { pins: undefined }],
    ["a hash that is none", { pins: { ...backup.pins, sha256: "AB".repeat(32) } }],
    ["a negative size", { pins: { ...backup.pins, bytes: -1 } }],
    ["half a pin", { pins: { ...backup.pins, count: 0.5 } }],
  ])("is damaged if it has %s", async (_, change) => {
    await write({ ...backup, ...change });
    await expect(readBackupFile(dir)).rejects.toMatchObject(damaged);
  });

  it.each([
    "../pins",
    "/etc/passwd",
    "a/../../pins",
    "a//b",
    "a/",
    "./a",
    ".hidden",
    "a\\b",
    "a\0",
    "",
    "a".repeat(513),
  ])("names no file outside its folder: %j", async (path) => {
    for (const change of [
      { pins: { ...backup.pins, file: path } },
      { files: [{ ...sealed("files-7/a"), path }] },
      { parts: [{ ...backup.parts[0], index: sealed(path) }] },
    ]) {
      await write({ ...backup, ...change });
      await expect(readBackupFile(dir)).rejects.toMatchObject(damaged);
    }
  });

  it("brings back journals alone: a word that no restore took place is none", async () => {
    for (const path of ["restored.json", "identity.key", "store/blocks/CURRENT", "ballots.jsonl.mark"]) {
      await write({ ...backup, files: [{ ...sealed("files-7/a"), path }] });
      await expect(readBackupFile(dir)).rejects.toMatchObject(damaged);
    }
  });
});

describe("the seal of a file", () => {
  beforeEach(() => writeFile(join(dir, "a"), "abc"));

  it("is its size and its sha256", async () => {
    expect(await seal(dir, "a")).toEqual({
      file: "a",
      bytes: 3,
      sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    });
  });

  it("holds as long as the file is as it was written", async () => {
    await expect(checkSeal(dir, await seal(dir, "a"))).resolves.toBeUndefined();
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ["altered", (path) => writeFile(path, "abd")],
    ["longer", (path) => appendFile(path, "d")],
    ["shorter", (path) => truncate(path, 2)],
    ["gone", (path) => rm(path)],
  ])("is broken if the file is %s, and says which it is", async (_, change) => {
    const before = await seal(dir, "a");
    await change(join(dir, "a"));
    await expect(checkSeal(dir, before)).rejects.toMatchObject({
      ...damaged,
      shortMessage: expect.stringContaining(join(dir, "a")),
    });
  });

  it("is broken by a wrong size alone", async () => {
    await expect(checkSeal(dir, { ...(await seal(dir, "a")), bytes: 4 })).rejects.toBeInstanceOf(BackupError);
  });
});
