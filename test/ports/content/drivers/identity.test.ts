import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peerIdFromPrivateKey, peerIdFromString } from "@libp2p/peer-id";
import { beforeEach, describe, expect, it } from "vitest";
import { loadIdentity } from "../../../../src/ports/content/drivers/identity.js";
import { failingDisk } from "../../../faults/failingDisk.js";

let parent: string;
let dir: string;
let path: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "witan-identity-"));
  dir = join(parent, "a", "b");
  path = join(dir, "identity.key");
  return () => rm(parent, { recursive: true });
});

describe("the identity of a node", () => {
  it("stays once it is made", async () => {
    const first = await loadIdentity(dir);
    const again = await loadIdentity(dir);
    expect([again.peerId, again.privateKey.raw]).toEqual([first.peerId, first.privateKey.raw]);
    expect((await loadIdentity(join(parent, "other"))).peerId).not.toBe(first.peerId);
  });

  it("is told as text and as bytes of the same key", async () => {
    const { privateKey, peerId, peerIdBytes } = await loadIdentity(dir);
    expect(privateKey.type).toBe("Ed25519");
    expect(peerId).toBe(peerIdFromPrivateKey(privateKey).toString());
    expect(peerIdBytes).toEqual(peerIdFromString(peerId).toMultihash().bytes);
  });

  it("is for its owner alone to read, and leaves no other file behind", async () => {
    await loadIdentity(dir);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect(await readdir(dir)).toEqual(["identity.key"]);
  });

  it("is made whole where an earlier attempt was cut off", async () => {
    await mkdir(dir, { recursive: true });
    await writeFile(`${path}.tmp`, "half of a key that is longer than any key that is written over it".repeat(4));
    const { peerId } = await loadIdentity(dir);
    expect((await loadIdentity(dir)).peerId).toBe(peerId);
  });

  it("is never replaced: a damaged file is reported and left as it is", async () => {
    await loadIdentity(dir);
    const whole = await readFile(path);
    for (const damaged of [Buffer.of(), whole.subarray(0, 20), Buffer.from("not a key")]) {
      await writeFile(path, damaged);
      await expect(loadIdentity(dir)).rejects.toMatchObject({
        code: "config",
        shortMessage: expect.stringContaining(path),
        hints: [expect.stringContaining("backup")],
      });
      expect(await readFile(path)).toEqual(damaged);
    }
  });

  it("is one, though many processes make it at once", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => loadIdentity(dir)));
    expect(new Set(all.map(({ peerId }) => peerId)).size).toBe(1);
    expect((await loadIdentity(dir)).peerId).toBe(all[0]?.peerId);
  });

  it("that finds no room leaves nothing behind, and is made once there is some", async () => {
    using disk = failingDisk();
    disk.room = 10;
    await expect(loadIdentity(dir)).rejects.toMatchObject({ code: "disk-full" });
    expect(await readdir(dir)).toEqual([]);
    disk.heal();
    await loadIdentity(dir);
    expect(await readdir(dir)).toEqual(["identity.key"]);
  });

  it("is not made anew because the old one cannot be read", async () => {
    await mkdir(path, { recursive: true });
    await expect(loadIdentity(dir)).rejects.toMatchObject({ code: "EISDIR" });
    expect(await readdir(dir)).toEqual(["identity.key"]);
  });
});
