import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { acquireLock, lockOwner } from "../../../../../src/engines/fleet/drivers/process/lock.js";
import { ownInstanceId } from "../../../../../src/engines/fleet/drivers/process/proc.js";
import { failingDisk } from "../../../../faults/failingDisk.js";
import { mayMount, smallDisk } from "../../../../faults/smallDisk.js";
import { temporaryFolder } from "../../../../harness/folder.js";

describe("the lock", () => {
  it("is held by one, and can be taken again once it is released", async () => {
    const dir = temporaryFolder();
    const lock = await acquireLock(dir);
    expect(await lockOwner(dir)).toBe(await ownInstanceId());
    await expect(acquireLock(dir)).rejects.toMatchObject({ code: "fleet-busy", retryable: true });
    await lock.release();
    expect(await lockOwner(dir)).toBeNull();
    await (await acquireLock(dir)).release();
  });

  it("is given to one alone of many that ask at once", async () => {
    const dir = temporaryFolder();
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(dir)));
    expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("passes from a dead owner to one alone of many that find it dead", async () => {
    const dir = temporaryFolder();
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, "lock.7"), JSON.stringify({ owner: "999999999@1" }));
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(dir)));
    expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("is free when its owner's pid was given to another process", async () => {
    const dir = temporaryFolder();
    await writeFile(join(dir, "lock.1"), JSON.stringify({ owner: `${process.pid}@1` }));
    await (await acquireLock(dir)).release();
  });
});

describe("the lock on a disk that fails", () => {
  it("is released, though the disk takes no bytes", async () => {
    const dir = temporaryFolder();
    const lock = await acquireLock(dir);
    using disk = failingDisk();
    disk.room = 0;
    await lock.release();
    expect(await lockOwner(dir)).toBeNull();
    disk.heal();
    await (await acquireLock(dir)).release();
  });

  it("is this process's to take again, though it could not even be released", async () => {
    const dir = temporaryFolder();
    const lock = await acquireLock(dir);
    using disk = failingDisk();
    disk.fail("truncate", "EROFS");
    await expect(lock.release()).rejects.toMatchObject({ code: "disk-read-only" });
    disk.heal();
    expect(await lockOwner(dir)).toBeNull();
    const again = await acquireLock(dir);
    await expect(acquireLock(dir)).rejects.toMatchObject({ code: "fleet-busy" });
    await again.release();
  });

  it("that could not be claimed holds up nobody, and leaves nothing behind", async () => {
    const dir = temporaryFolder();
    using disk = failingDisk();
    disk.room = 5;
    await expect(acquireLock(dir)).rejects.toMatchObject({ code: "disk-full" });
    expect(await readdir(dir)).toEqual([]);
    disk.heal();
    disk.fail("sync", "EIO", dir);
    await expect(acquireLock(dir)).rejects.toMatchObject({ code: "disk-failed" });
    disk.heal();
    await (await acquireLock(dir)).release();
  });

  it.skipIf(!mayMount)("is released on a full disk of the kernel's (ENOSPC; needs root)", async () => {
    using disk = smallDisk(64 * 1024);
    const lock = await acquireLock(disk.dir);
    disk.fill();
    await lock.release();
    expect(await lockOwner(disk.dir)).toBeNull();
  });
});

describe("a lock file that is damaged", () => {
  it("is free if it is empty, as after a release", async () => {
    const dir = temporaryFolder();
    await writeFile(join(dir, "lock.3"), "");
    await (await acquireLock(dir)).release();
  });

  it("is refused by name otherwise: a living process may hold it", async () => {
    const dir = temporaryFolder();
    for (const text of ["\0\0\0", '{"owner":', '{"holder":"1@1"}']) {
      await writeFile(join(dir, "lock.3"), text);
      await expect(acquireLock(dir)).rejects.toMatchObject({
        code: "fleet-damaged",
        shortMessage: expect.stringContaining("lock.3"),
      });
    }
  });
});
