import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createLogLines } from "../../../../src/surfaces/cli/output/logLines.js";
import { mayLimit } from "../../../faults/child.js";
import { bundle } from "../../../harness/bundle.js";
import { temporaryFolder } from "../../../harness/folder.js";

const lost = (lines: number) => `\n{"level":"warn","message":"lines of the log were lost","lines":${lines}}\n`;

it("counts the lines that could not be written once one can, and ends nothing", () => {
  const written: string[] = [];
  let isFull = false;
  const log = createLogLines((text) => {
    if (isFull) throw new Error("ENOSPC");
    written.push(text);
  });
  log("one");
  isFull = true;
  for (const line of ["two", "three"]) log(line);
  isFull = false;
  for (const line of ["four", "five"]) log(line);
  expect(written).toEqual(["one\n", `${lost(2)}four\n`, "five\n"]);
});

it.skipIf(!mayLimit)("goes on in a file that could not grow for a while (EFBIG; needs prlimit)", async () => {
  const file = join(temporaryFolder(), "agent.log");
  const log = openSync(file, "a");
  const script = await bundle(new URL("./logLinesChild.ts", import.meta.url));
  const command = ["-c", `trap "" XFSZ; exec "$@"`, "sh", process.execPath, script];
  const { status, stdout } = spawnSync("sh", command, { stdio: ["ignore", "pipe", log], encoding: "utf8" });
  closeSync(log);
  expect([status, stdout]).toEqual([0, "it runs"]);
  expect(readFileSync(file, "utf8")).toBe(`before\nwhile it is f${lost(5)}after\n`);
});
