import { writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mayLimit } from "../../../faults/child.js";
import { type LimitedChild, limitedChild } from "../../../faults/limitedChild.js";
import { mayMount, smallDisk } from "../../../faults/smallDisk.js";
import { randomOf } from "../../../harness/children.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { shortOrLong } from "../../../harness/soak.js";
import { openDisk } from "../contentNodes.js";
import { numbered } from "./numbered.js";

const SCRIPT = new URL("./fullDiskChild.ts", import.meta.url);
/** Limits that are tried, each at another byte of a record. */
const ROUNDS = shortOrLong(6, 500);
const SMALL = 1_000;
const LARGE = 300_000;
const PUTS = 40;

/** Puts numbered blocks, and remembers which were acknowledged. */
function putting(child: LimitedChild) {
  const kept = new Map<string, Uint8Array>();
  let number = 0;
  return {
    kept,
    async put(length: number): Promise<string> {
      number += 1;
      const [answer = "", cid = ""] = await child.ask("put", `${number}`, `${length}`);
      if (answer === "ok") kept.set(cid, numbered(number, length));
      return answer;
    },
  };
}

/** All that was acknowledged is there with its pin, after a kill -9, and nothing is altered. */
async function expectKept(dir: string, kept: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const store = await openDisk(dir);
  for (const [cid, bytes] of kept) {
    expect(Buffer.compare(await store.get(cid), bytes)).toBe(0);
    expect(await store.pins.get(`record/${cid}`)).toBeDefined();
  }
  expect(await store.scrub()).toMatchObject({ bad: 0, lost: [] });
  await store.close();
}

describe("a store whose disk refuses a write", () => {
  it.skipIf(!mayLimit)(
    `loses nothing acknowledged, goes on by itself once there is space, and survives kill -9 (${ROUNDS} limits to the byte; needs prlimit)`,
    async () => {
      const dir = temporaryFolder();
      const random = randomOf(11);
      const child = await limitedChild(SCRIPT, [dir]);
      const { kept, put } = putting(child);
      await put(SMALL);
      const [first = ""] = kept.keys();
      for (let round = 0; round < ROUNDS; round++) {
        // By turns the database's log, and the file of a large block, reaches the limit.
        const length = round % 3 === 2 ? LARGE : SMALL;
        await child.limitFiles(length === LARGE ? Math.floor(random() * LARGE) : 10_000 + Math.floor(random() * 2_200));
        let answer = "ok";
        for (let puts = 0; answer === "ok"; puts++) {
          expect(puts).toBeLessThan(PUTS);
          answer = await put(length);
        }
        expect(answer).toBe("no-space");
        // What is there can be read while nothing can be written.
        expect(await child.ask("get", first)).toEqual(["ok", `${SMALL}`]);
        await put(SMALL);
        await child.limitFiles("unlimited");
        for (let puts = 0; puts < 2; puts++) expect(await put(SMALL)).toBe("ok");
      }
      await child.kill();
      await expectKept(dir, kept);
    },
    600_000,
  );

  it.skipIf(!mayMount)(
    "loses nothing on a file system that is full, and gc makes space on it (ENOSPC; needs root)",
    async () => {
      using disk = smallDisk(3_000_000);
      const { dir } = disk;
      // What the disk is full of, and space again.
      const ballast = join(dir, "ballast");
      writeFileSync(ballast, new Uint8Array(1_000_000));
      const child = await limitedChild(SCRIPT, [dir]);
      const { kept, put } = putting(child);
      for (const number of [-1, -2]) expect((await child.ask("loose", `${number}`, `${LARGE}`))[0]).toBe("ok");
      let answer = "ok";
      while (answer === "ok") answer = await put(LARGE);
      expect(answer).toBe("no-space");
      answer = "ok";
      for (let puts = 0; answer === "ok" && puts < 500; puts++) answer = await put(SMALL);
      expect(answer).toBe("no-space");
      // Files are removed before the database has to write that they are.
      expect(await child.ask("gc")).toEqual(["ok", "2"]);
      expect(await put(SMALL)).toBe("ok");
      await rm(ballast);
      for (let puts = 0; puts < 5; puts++) expect(await put(SMALL)).toBe("ok");
      await child.kill();
      await expectKept(dir, kept);
    },
    60_000,
  );

  it.skipIf(!mayLimit)(
    "loses nothing while no file can be opened, and goes on by itself once one can (EMFILE; needs prlimit)",
    async () => {
      const dir = temporaryFolder();
      const child = await limitedChild(SCRIPT, [dir]);
      const { kept, put } = putting(child);
      for (const length of [SMALL, LARGE]) expect(await put(length)).toBe("ok");
      const [first = "", large = ""] = kept.keys();
      await child.limitHandles(4);
      // A large block is a file of its own; small ones go into the log, which is open, until that is full.
      expect(await put(LARGE)).toBe("storage");
      for (let puts = 0; puts < 20; puts++) await put(60_000);
      expect(await child.ask("get", first)).toEqual(["ok", `${SMALL}`]);
      expect((await child.ask("get", large))[0]).not.toBe("missing");
      await child.limitHandles(1_024);
      for (const length of [SMALL, LARGE]) expect(await put(length)).toBe("ok");
      expect(await child.ask("get", large)).toEqual(["ok", `${LARGE}`]);
      await child.kill();
      await expectKept(dir, kept);
    },
    60_000,
  );
});
