import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SpaceReserve } from "../../../src/utils/disk/spaceReserve.js";
import { failingDisk } from "../../faults/failingDisk.js";
import { temporaryFolder } from "../../harness/folder.js";

const BYTES = 160 * 1024;

it("takes its room once, keeps it across restarts, and gives it back a step at a time", async () => {
  const dir = temporaryFolder();
  const path = join(dir, "deep", "reserve");
  const reserve = await SpaceReserve.open(path, BYTES);
  expect([reserve.held, reserve.isWhole, await reserve.release()]).toEqual([0, false, false]);
  await reserve.take();
  await reserve.take();
  expect([(await stat(path)).size, (await stat(path)).mode & 0o777, reserve.isWhole]).toEqual([BYTES, 0o600, true]);
  const again = await SpaceReserve.open(path, BYTES);
  expect([again.held, await again.release(), again.held, again.isWhole]).toEqual([BYTES, true, BYTES - 65_536, false]);
  expect((await stat(path)).size).toBe(again.held);
  while (await again.release());
  expect([again.held, await readdir(join(dir, "deep"))]).toEqual([0, []]);
  await again.take();
  expect((await stat(path)).size).toBe(BYTES);
});

it("that does not fit keeps whole steps, fails, and takes the rest once there is room", async () => {
  const path = join(temporaryFolder(), "reserve");
  const reserve = await SpaceReserve.open(path, BYTES);
  using disk = failingDisk();
  disk.room = 100_000;
  await expect(reserve.take()).rejects.toMatchObject({ code: "disk-full" });
  expect([reserve.held, (await stat(path)).size, reserve.isWhole]).toEqual([65_536, 65_536, false]);
  disk.heal();
  await reserve.take();
  expect((await stat(path)).size).toBe(BYTES);
});
