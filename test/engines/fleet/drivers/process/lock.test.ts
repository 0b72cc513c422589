import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { acquireLock, lockOwner } from "../../../../../src/engines/fleet/drivers/process/lock.js";
import { ownInstanceId } from "../../../../../src/engines/fleet/drivers/process/proc.js";
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
