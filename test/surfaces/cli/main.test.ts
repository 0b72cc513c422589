import { spawn } from "node:child_process";
import { expect, it } from "vitest";
import { ExitCodes } from "../../../src/surfaces/cli/exitCodes.js";
import { bundle } from "../../harness/bundle.js";

async function witan(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const program = await bundle(new URL("../../../src/surfaces/cli/main.ts", import.meta.url));
  const child = spawn(process.execPath, [program, ...args], { stdio: "pipe" });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out, err };
}

it("prints its usage, and says in one line what went wrong", async () => {
  const [help, helpOfCommand, unknown, missing] = await Promise.all([
    witan("--help"),
    witan("record", "show", "--help"),
    witan("dance"),
    witan("node", "list", "--network", "/nowhere.json"),
  ]);
  expect(help).toMatchObject({ code: 0, out: expect.stringContaining("proposal") });
  expect(helpOfCommand).toMatchObject({ code: 0, out: expect.stringContaining("record show") });
  expect(unknown).toMatchObject({ code: ExitCodes.usage, out: "", err: expect.stringMatching(/^witan: .*dance/) });
  expect(missing).toMatchObject({
    code: ExitCodes.usage,
    err: expect.stringContaining("witan: There is no network file at /nowhere.json."),
  });
  expect(missing.err).not.toContain(" at ModuleJob");
});
