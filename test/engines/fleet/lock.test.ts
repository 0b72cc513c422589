import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { acquireLock, lockOwner } from "../../../src/engines/fleet/lock.js";
import { ownInstanceId } from "../../../src/engines/fleet/proc.js";
import { isFree, temporaryFolder } from "./world.js";

const _eventually = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 20 });

/** A server that is no workload of the fleet; a process that dies may hold its port for a moment longer. */
async function _impostorOn(port: number): Promise<void> {
  await expect.poll(() => isFree(port), { timeout: 20_000, interval: 20 }).toBe(true);
  const impostor = createServer((_, response) => response.end("{}"));
  onTestFinished(() => void impostor.close());
  impostor.listen(port, "127.0.0.1");
  await once(impostor, "listening");
}

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
