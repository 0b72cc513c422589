import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { boundLog } from "../../../../../src/engines/fleet/drivers/process/logs.js";
import { temporaryFolder } from "../../../../harness/folder.js";

it("moves the end of a log beyond its bound away, and leaves one within it", async () => {
  const dir = join(temporaryFolder(), "0");
  await boundLog(dir, 10);
  await mkdir(dir);
  const log = join(dir, "log.txt");
  await writeFile(log, "0123456789");
  await boundLog(dir, 10);
  expect(await readFile(log, "utf8")).toBe("0123456789");
  await boundLog(dir, 9);
  expect(await readFile(log, "utf8")).toBe("");
  expect(await readFile(join(dir, "log.rotated.txt"), "utf8")).toBe("123456789");
});
