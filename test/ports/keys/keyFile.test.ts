import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readKeyFile, writeKeyFile } from "../../../src/ports/keys/keyFile.js";
import { failingDisk } from "../../faults/failingDisk.js";

describe("a key file", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "witan-keys-"));
    path = join(folder, "keys", "key.json");
  });
  afterEach(() => rm(folder, { recursive: true }));
  const refused = (code: string) => expect.objectContaining({ code });

  it("is read as it was written, by its owner alone, and leaves no other file behind", async () => {
    await writeKeyFile(path, "secret");
    expect(await readKeyFile(path)).toBe("secret");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "keys"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, "keys"))).toEqual(["key.json"]);
  });

  it("is replaced only on request", async () => {
    await writeKeyFile(path, "first");
    await expect(writeKeyFile(path, "second")).rejects.toThrow(refused("key-file-exists"));
    expect(await readKeyFile(path)).toBe("first");
    await writeKeyFile(path, "second", { overwrite: true });
    expect(await readKeyFile(path)).toBe("second");
    expect(await readdir(join(folder, "keys"))).toEqual(["key.json"]);
  });

  it.each(["write", "sync", "rename", "link"] as const)(
    "leaves nothing of the key on a disk whose %s fails",
    async (call) => {
      await writeKeyFile(path, "first");
      using disk = failingDisk();
      disk.fail(call, "EIO");
      const [target, overwrite] = call === "rename" ? [path, true] : [`${path}.new`, false];
      await expect(writeKeyFile(target, "secret", { overwrite })).rejects.toThrow(refused("disk-failed"));
      disk.heal();
      expect(await readdir(join(folder, "keys"))).toEqual(["key.json"]);
      expect(await readKeyFile(path)).toBe("first");
    },
  );

  it("is refused if it is missing, readable by other users, or too large", async () => {
    await expect(readKeyFile(path)).rejects.toThrow(refused("missing-key-file"));
    await writeKeyFile(path, "secret");
    for (const mode of [0o640, 0o604, 0o620]) {
      await chmod(path, mode);
      await expect(readKeyFile(path)).rejects.toThrow(refused("unsafe-permissions"));
    }
    await chmod(path, 0o600);
    await writeFile(path, "x".repeat(64 * 1024 + 1));
    await expect(readKeyFile(path)).rejects.toThrow(refused("malformed-key-file"));
  });
});
