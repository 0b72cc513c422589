import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { parseAgentConfig } from "../../../../src/agent/config.js";
import { startNode } from "../../../../src/agent/node.js";
import { backup, restore } from "../../../../src/surfaces/cli/commands/backup.js";
import { ExitCodes } from "../../../../src/surfaces/cli/exitCodes.js";
import { witan } from "../../../../src/surfaces/cli/witan.js";
import { createLogger } from "../../../../src/utils/logger.js";
import { unmount } from "../../../faults/dataFolder.js";
import { patience } from "../../../harness/patience.js";
import { type CommandResult, type Network, PASSWORD, run, startNetwork } from "../../network.js";

const silent = createLogger("silent", () => undefined);

let network: Network;
let folder: string;
beforeAll(async () => {
  network = await startNetwork();
  folder = await mkdtemp(join(tmpdir(), "witan-backup-"));
});
afterAll(async () => {
  await network.close();
  await rm(folder, { recursive: true, force: true });
});

async function configure(name: string, change: object = {}): Promise<string> {
  const path = join(folder, `${name}.json`);
  const { rpc, deployment } = network.described;
  const config = {
    name: "node-1",
    dataDir: name,
    chain: { rpcUrls: [rpc], ...deployment },
    keys: { agent: network.member },
    content: {},
    http: { port: 0 },
    cycleMs: 200,
    anchorEveryMs: 400,
    logLevel: "silent",
    ...change,
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

const start = async (config: string) =>
  startNode(parseAgentConfig(JSON.parse(await readFile(config, "utf8")), dirname(config)), PASSWORD, silent);
/** The blocks of commands of the page on backups, by the heading that they stand under. */
const runbook = new Map(
  readFileSync(new URL("../../../../docs/backup.md", import.meta.url), "utf8")
    .split(/^## /m)
    .map((section): [string, string[]] => [
      section.split("\n")[0] ?? "",
      [...section.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = ""]) => block.trim().split("\n")),
    ])
    .filter(([, commands]) => commands.length > 0),
);

/** Runs a command of the page in the folder of this test, which stands for the machine. */
async function execute(line: string): Promise<CommandResult> {
  const here = line.replaceAll("/mnt/backup", join(folder, "mnt")).replaceAll("node-1/", join(folder, "node-1/"));
  const [program = "", ...args] = here.split(" ");
  if (program === "witan") return run(witan, ...args);
  const { stdout: out } = await promisify(execFile)("sh", ["-ec", here.replaceAll("keys/", join(folder, "keys/"))]);
  return { out, code: ExitCodes.ok, error: undefined };
}

async function runLine(line: string): Promise<string> {
  const { code, error, out } = await execute(line);
  expect([line, code, error]).toEqual([line, ExitCodes.ok, undefined]);
  return out;
}

/** What an agent that a command of the page starts says of itself, until it is told to end. */
async function runAgent(
  line: string,
): Promise<{ status: Record<string, unknown>; has: (cid: string) => Promise<boolean> }> {
  expect(line).toMatch(/^witan agent /);
  const node = await start(join(folder, line.split("--config ")[1] ?? ""));
  onTestFinished(() => node.stop());
  return { status: (await node.status()) as Record<string, unknown>, has: (cid) => node.content.has(cid) };
}

it("brings an agent back on an empty machine, by the commands of the page, with all that it had written", async () => {
  expect([...runbook.keys()]).toEqual(["Making one", "Runbook: a machine is lost", "Killed at any instant"]);
  const making = runbook.get("Making one") ?? [];
  const recovery = runbook.get("Runbook: a machine is lost") ?? [];
  const data = join(folder, "node-1/data");
  await mkdir(join(folder, "node-1"));
  const config = await configure("node-1/config", { dataDir: "data" });
  const node = await start(config);
  const written: string[] = [];
  await expect
    .poll(async () => {
      written.splice(0, written.length);
      for await (const { name, cid } of node.content.pins.list()) if (name.startsWith("record/")) written.push(cid);
      return written.length;
    }, patience)
    .toBeGreaterThan(2);
  const [first = ""] = making;
  const busy = await execute(first);
  expect([busy.code, String(busy.error)]).toEqual([
    ExitCodes.unavailable,
    expect.stringContaining("is held by another process"),
  ]);
  await node.stop();
  await mkdir(join(folder, "keys"));
  await copyFile(join(data, "identity.key"), join(folder, "keys/identity.key"));

  const out = [];
  for (const line of making) out.push(await runLine(line));
  expect(out[1]).toMatch(/outbox\.jsonl: [1-9]/);
  const dir = join(folder, "mnt/node-1");
  const done = JSON.parse((await run(backup, "--config", config, "--out", dir, "--json")).out);
  expect(done).toMatchObject({ lost: [], newBlocks: 0, generations: 2 });
  expect(done.blocks).toBeGreaterThanOrEqual(written.length);
  expect((await run(restore, "--check", "--from", dir, "--config", config)).out).toContain("matches its hash");

  // The disk of the data folder is not mounted: the backup stays as it is.
  const mount = await unmount(data);
  const poor = await run(backup, "--config", config, "--out", dir);
  expect([poor.code, String(poor.error)]).toEqual([ExitCodes.refused, expect.stringContaining("holds less than")]);
  const accepted = await run(backup, "create", "--accept-poorer", "--config", config, "--out", dir, "--json");
  expect(JSON.parse(accepted.out)).toMatchObject({ pins: 0, generations: 3 });
  await mount();
  expect(JSON.parse((await run(backup, "--config", config, "--out", dir, "--json")).out)).toMatchObject({ lost: [] });

  await rm(data, { recursive: true });
  for (const line of recovery.slice(0, -1)) await runLine(line);
  const { has, status } = await runAgent(recovery.at(-1) ?? "");
  expect(status).toMatchObject({ signing: { state: "listening", restore: { why: "restored", until: null } } });
  for (const cid of written) expect(await has(cid)).toBe(true);
}, 120_000);

it("goes back to an earlier generation, and refuses times and sizes that are none", async () => {
  const dir = join(folder, "mnt/node-1");
  const config = await configure("earlier");
  const checked = JSON.parse((await run(restore, "--check", "--json", "--from", dir, "--config", config)).out);
  const [, , second] = checked.generations as number[];
  const at = new Date(second ?? 0).toISOString();
  const restored = JSON.parse((await run(restore, "--from", dir, "--config", config, "--at", at, "--json")).out);
  expect(restored).toMatchObject({ time: second, lost: [] });
  const sampled = await run(backup, "verify", "--from", dir, "--sample-mb", "1", "--json");
  expect(JSON.parse(sampled.out)).toMatchObject({ lost: [], parts: { restored: 1 } });
  expect((await run(restore, "--from", dir, "--config", config, "--at", "tea")).code).toBe(ExitCodes.usage);
  expect((await run(backup, "verify", "--from", dir, "--sample-mb", "0")).code).toBe(ExitCodes.usage);
}, 120_000);

it("is refused for another node, and named where it is damaged or none", async () => {
  const config = await configure("first");
  const dir = join(folder, "mnt/node-1");
  const other = await configure("second", { name: "node-2" });
  expect((await run(restore, "--from", dir, "--config", other)).code).toBe(ExitCodes.refused);
  const none = await run(restore, "--check", "--from", join(folder, "nothing"), "--config", config);
  expect([none.code, String(none.error)]).toEqual([ExitCodes.refused, expect.stringContaining("There is no backup")]);
});

it("is kept by a running agent, where its configuration says so", async () => {
  const dir = join(folder, "kept");
  const config = await configure("third", { backup: { dir, everyMs: 300 } });
  const node = await start(config);
  try {
    const checked = async () => {
      const { code, out } = await run(restore, "--check", "--json", "--from", dir, "--config", config);
      return code === 0 ? (JSON.parse(out) as { blocks: number; parts: number }) : { blocks: 0, parts: 0 };
    };
    // More than the first.
    await expect.poll(async () => (await checked()).parts, patience).toBeGreaterThan(1);
    expect((await checked()).blocks).toBeGreaterThan(1);
  } finally {
    await node.stop();
  }
}, 120_000);
