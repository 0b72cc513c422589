import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseAgentConfig } from "../../../../src/agent/config.js";
import { startNode } from "../../../../src/agent/node.js";
import { backup, restore } from "../../../../src/surfaces/cli/commands/backup.js";
import { ExitCodes } from "../../../../src/surfaces/cli/exitCodes.js";
import { createLogger } from "../../../../src/utils/logger.js";
import { patience } from "../../../harness/patience.js";
import { type Network, PASSWORD, run, startNetwork } from "../../network.js";

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
  startNode(parseAgentConfig(JSON.parse(await readFile(config, "utf8")), folder), PASSWORD, silent);
it("brings an agent back on an empty machine, with all that it had written when it was backed up", async () => {
  const config = await configure("first");
  const dir = join(folder, "backup");
  const node = await start(config);
  const written: string[] = [];
  for (let i = 0; written.length < 3 && i < 200; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    written.splice(0, written.length);
    for await (const { name, cid } of node.content.pins.list()) if (name.startsWith("record/")) written.push(cid);
  }
  const busy = await run(backup, "--config", config, "--out", dir);
  expect([busy.code, String(busy.error)]).toEqual([ExitCodes.unavailable, expect.stringContaining("cannot be opened")]);
  await node.stop();

  const done = JSON.parse((await run(backup, "--config", config, "--out", dir, "--json")).out);
  expect(done).toMatchObject({ lost: [] });
  expect(done.blocks).toBeGreaterThanOrEqual(written.length);
  expect((await run(backup, "--config", config, "--out", dir)).out).toMatch(/new +0 blocks/);
  expect((await run(restore, "--check", "--from", dir, "--config", config)).out).toContain("matches its hash");

  await rm(join(folder, "first"), { recursive: true });
  const again = await run(restore, "--from", dir, "--config", config);
  expect([again.code, again.out]).toEqual([ExitCodes.ok, expect.stringContaining("Start the agent")]);
  const back = await start(config);
  try {
    for (const cid of written) expect(await back.content.has(cid)).toBe(true);
    expect((await back.status()) as { waitingRecords: number }).toMatchObject({ waitingRecords: expect.any(Number) });
  } finally {
    await back.stop();
  }
}, 120_000);

it("is refused for another node, and named where it is damaged or none", async () => {
  const config = await configure("first");
  const dir = join(folder, "backup");
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
