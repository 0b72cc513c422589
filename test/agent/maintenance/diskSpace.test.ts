import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DiskSpace } from "../../../src/agent/maintenance/diskSpace.js";
import { guardContent } from "../../../src/agent/maintenance/guardedContent.js";
import { OwnBallots } from "../../../src/agent/signing/ownBallots.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { DiskError } from "../../../src/utils/disk/diskError.js";
import { createLogger } from "../../../src/utils/logger.js";
import { mayMount, smallDisk } from "../../faults/smallDisk.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { temporaryFolder } from "../../harness/folder.js";

const KIB = 1024;
const bytes = { reserveBytes: 64 * KIB, lowSpaceBytes: 512 * KIB };

function watch(dir: string, readFree?: () => Promise<number>) {
  const logs: { level: string; message: string }[] = [];
  const logger = createLogger("info", (text) => logs.push(JSON.parse(text)));
  const clock = new TestClock(frozen(1_000));
  return { logs, clock, open: () => DiskSpace.open({ ...bytes, dir, clock, logger, ...(readFree && { readFree }) }) };
}

describe("the disk of a node", () => {
  it("stops files first, then records, and says each change once", async () => {
    let free = 1_024 * KIB;
    const { clock, logs, open } = watch(temporaryFolder(), async () => free);
    const space = await open();
    const uses = () => [space.state, space.allows("file"), space.allows("record")];
    expect(uses()).toEqual([undefined, true, true]);
    for (const [now, expected] of [
      [511, ["low-space", false, true]],
      [510, ["low-space", false, true]],
      [63, ["full", false, false]],
      [300, ["low-space", false, true]],
      [600, [undefined, true, true]],
    ] as const) {
      free = now * KIB;
      clock.pass(10);
      await space.update();
      expect([now, uses()]).toEqual([now, expected]);
    }
    expect(logs.map(({ level }) => level)).toEqual(["warn", "error", "warn", "info"]);
    expect(space.status).toEqual({
      state: "ok",
      since: 1_050,
      freeBytes: 600 * KIB,
      reserveBytes: 64 * KIB,
      reason: null,
    });
  });

  it("counts as full once the reserve is in use, until it is whole again", async () => {
    let free = 1_024 * KIB;
    const { open } = watch(temporaryFolder(), async () => free);
    const space = await open();
    free = 64 * KIB;
    expect([await space.release(), space.state, await space.release()]).toEqual([true, "full", false]);
    await space.update();
    expect([space.state, space.status.reserveBytes]).toEqual(["full", 0]);
    free = 128 * KIB;
    await space.update();
    expect([space.state, space.status.reserveBytes]).toEqual(["low-space", 64 * KIB]);
  });

  it.each([
    ["read-only", "read-only", "disk-read-only"],
    ["missing", "failed", "disk-failed"],
    ["failed", "failed", "disk-failed"],
  ] as const)("is what it is where it takes no writes (%s), with the reason", async (kind, state, code) => {
    const { open } = watch(temporaryFolder(), () => Promise.reject(new DiskError(kind, "as the kernel says")));
    const space = await open();
    expect(space.status).toMatchObject({ state, freeBytes: null, reason: "as the kernel says" });
    expect(() => space.require("record")).toThrow(expect.objectContaining({ code, retryable: true }));
  });

  it("that is not there any more, as a folder that was removed, is told", async () => {
    const dir = temporaryFolder();
    const { open } = watch(join(dir, "data"));
    const space = await open();
    await rm(join(dir, "data"), { recursive: true, force: true });
    await space.update();
    expect(space.state).toBe("failed");
  });

  it.skipIf(!mayMount)(
    "of the kernel (ENOSPC and EROFS; needs root): the node votes until the last, and begins again by itself",
    async () => {
      using disk = smallDisk(1_024 * KIB);
      const { open } = watch(disk.dir);
      const space = await open();
      expect(space.state).toBeUndefined();
      const path = join(disk.dir, "ballots.jsonl");
      const ballots = await OwnBallots.open(path, { reserve: space });
      disk.fill();
      await space.update();
      expect(space.state).toBe("full");
      const ballot = (proposalId: string) => ({ proposalId, support: "for", reason: "x".repeat(5_000) }) as const;
      await ballots.record(ballot("1"));
      expect(space.status).toMatchObject({ state: "full", reserveBytes: 0 });
      await ballots.close();
      disk.free();
      disk.readOnly(true);
      await space.update();
      expect(space.status).toMatchObject({ state: "read-only", reason: expect.stringContaining("read-only") });
      disk.readOnly(false);
      await space.update();
      expect(space.status).toMatchObject({ state: "ok", reserveBytes: 64 * KIB });
      const after = await OwnBallots.open(path);
      expect(after.get("1")).toEqual(ballot("1"));
      await after.close();
    },
  );
});

describe("a guarded content store", () => {
  it("refuses by the room that is left, and reads in any case", async () => {
    let free = 1_024 * KIB;
    const space = await watch(temporaryFolder(), async () => free).open();
    const content = guardContent(createMemoryContent(), space);
    const cid = await content.put(Buffer.from("a"), { keep: "record" });
    const attempts = () =>
      Promise.all(
        [
          content.put(Buffer.from("b"), { keep: "record" }),
          content.put(Buffer.from("c"), { keep: "document" }),
          content.putFile([Buffer.from("d")], { keep: "model" }),
        ].map((attempt) => attempt.then(() => "stored").catch(({ code }: { code: string }) => code)),
      );
    expect(await attempts()).toEqual(["stored", "stored", "stored"]);
    free = 500 * KIB;
    await space.update();
    expect(await attempts()).toEqual(["stored", "disk-full", "disk-full"]);
    free = 0;
    await space.update();
    expect(await attempts()).toEqual(["disk-full", "disk-full", "disk-full"]);
    expect(Buffer.from(await content.get(cid)).toString()).toBe("a");
  });
});
