import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createJsonContent } from "../../../src/ports/content/index.js";
import { ExitCodes } from "../../../src/surfaces/cli/exitCodes.js";
import { bundle } from "../../harness/bundle.js";
import { startNetwork } from "../network.js";

interface CliResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const witan = (...args: readonly string[]) => witanIn(process.cwd(), ...args);

async function witanIn(cwd: string, ...args: readonly string[]): Promise<CliResult> {
  const program = await bundle(new URL("../../../src/surfaces/cli/main.ts", import.meta.url));
  const child = spawn(process.execPath, [program, ...args], { cwd, stdio: "pipe" });
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

it("ends quietly when the reader of its output has what it wanted, as `head` does", async () => {
  const program = await bundle(new URL("../../../src/surfaces/cli/main.ts", import.meta.url));
  const child = spawn(process.execPath, [program, "--help"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let err = "";
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  expect([code, err]).toEqual([ExitCodes.ok, ""]);
});

it("fetches the network document that a bare CID names from the gateways of the default network file", async () => {
  const network = await startNetwork();
  onTestFinished(() => network.close());
  const cid = await createJsonContent(network.setting.content).put(network.described);
  await mkdir(join(network.dir, ".witan"));
  // Only its gateways are asked: this file's RPC leads nowhere.
  const known = { ...network.described, rpc: "http://127.0.0.1:9" };
  await writeFile(join(network.dir, ".witan", "network.json"), JSON.stringify(known));
  const { code, out, err } = await witanIn(network.dir, "node", "list", "--network", cid, "--json");
  expect([code, err]).toEqual([ExitCodes.ok, ""]);
  expect(JSON.parse(out)).toHaveLength(network.setting.witan.operators.length);
});
