import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "citty";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import type { AgentConfigInput } from "../../../../src/agent/config.js";
import { writeAccountKey } from "../../../../src/ports/keys/accountKeyFile.js";
import { agent } from "../../../../src/surfaces/cli/commands/agent.js";
import { ExitCodes } from "../../../../src/surfaces/cli/exitCodes.js";
import { serveHttp } from "../../../../src/surfaces/http/server.js";
import { bundle } from "../../../harness/bundle.js";
import { deployWitan, operatorKey, type Witan } from "../../../harness/deploy.js";
import { type HardhatNode, startHardhatNode } from "../../../harness/hardhatNode.js";
import { PASSWORD, run } from "../../network.js";

const patience = { timeout: 60_000, interval: 100 };
let chainNode: HardhatNode;
let witan: Witan;
let folder: string;

beforeAll(async () => {
  chainNode = await startHardhatNode();
  witan = await deployWitan({ node: chainNode, nodes: 1 });
  folder = await mkdtemp(join(tmpdir(), "witan-agent-"));
  await writeAccountKey(join(folder, "agent.json"), operatorKey(0), PASSWORD, { scryptN: 1024 });
  await writeFile(join(folder, "password"), `${PASSWORD}\n`, { mode: 0o600 });
});
afterAll(async () => {
  await chainNode.close();
  await rm(folder, { recursive: true, force: true });
});

/** The path of a configuration file, whose agent answers over HTTP on `port`. */
async function configFile(port = 0): Promise<string> {
  const config: AgentConfigInput = {
    name: "node-0",
    dataDir: await mkdtemp(join(folder, "data-")),
    chain: { rpcUrls: [chainNode.rpcUrl], ...witan.deployment },
    keys: { agent: "agent.json", passwordFile: "password" },
    content: {},
    http: { port },
    cycleMs: 200,
    logLevel: "warn",
  };
  const path = `${config.dataDir}.json`;
  await writeFile(
    path,
    JSON.stringify({ ...config, keys: { ...config.keys, passwordFile: join(folder, "password") } }),
  );
  return path;
}

const getJson = async (url: string) => (await fetch(url)).json();

it("runs until it is told to end, and answers meanwhile", async () => {
  let out = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  onTestFinished(() => write.mockRestore());
  const before = new Set(process.listeners("SIGTERM"));
  const ended = runCommand(agent, { rawArgs: ["--config", await configFile()] });
  await expect.poll(() => out, patience).toContain("\n");
  const ready = JSON.parse(out.split("\n")[0] ?? "");
  expect(ready).toMatchObject({ ready: true, agent: operatorKey(0).address, multiaddrs: [expect.any(String)] });

  expect(await getJson(`${ready.http}/health`)).toEqual({ ok: true });
  const status = () => getJson(`${ready.http}/status`);
  await expect.poll(async () => (await status()).analysis?.health, patience).toBe("healthy");
  expect(await status()).toMatchObject({ name: "node-0", agent: ready.agent, peerId: ready.peerId });
  expect((await fetch(`${ready.http}/ipfs/hello?format=raw`)).status).toBe(400);

  // As the signal would, and nobody else who listens to it here.
  await expect.poll(() => process.listeners("SIGTERM").filter((each) => !before.has(each)).length).toBe(1);
  const [end] = process.listeners("SIGTERM").filter((each) => !before.has(each));
  end?.("SIGTERM");
  await ended;
  await expect(fetch(`${ready.http}/health`)).rejects.toThrow();
});

it("says that its port is in use, and leaves nothing open", async () => {
  const taken = await serveHttp("127.0.0.1", 0, {
    status: async () => ({}),
    ballots: () => ({ known: [], equivocations: [], own: null }),
    payload: async () => "",
    document: async () => "",
    block: async () => ({ status: 404, headers: {}, body: new Uint8Array() }),
  });
  onTestFinished(() => taken.close());
  const config = await configFile(Number(new URL(taken.url).port));
  // Twice, on one folder of blocks, which the first process has locked.
  for (const _attempt of [1, 2]) {
    const { code, error } = await run(agent, "--config", config);
    expect([code, String(error)]).toEqual([ExitCodes.usage, expect.stringContaining("the port is in use")]);
  }
});

it("is refused without a configuration, and with one that is wrong", async () => {
  const wrong = join(folder, "wrong.json");
  await writeFile(wrong, '{"name": "node-0"}');
  for (const args of [[], ["--config", "/nowhere.json"], ["--config", wrong]])
    expect((await run(agent, ...args)).code).toBe(ExitCodes.usage);
});

it("as a process of its own ends by a signal with nothing left to wait for, and exits by the reason it did not start", async () => {
  const program = await bundle(new URL("../../../../src/surfaces/cli/main.ts", import.meta.url));
  const start = (config: string, env: Record<string, string> = {}): ChildProcess => {
    const child = spawn(process.execPath, [program, "agent", "--config", config], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  };
  const child = start(await configFile());
  const refused = start(await configFile(), { WITAN_PASSWORD: "battery staple" });
  let err = "";
  refused.stderr?.on("data", (chunk) => {
    err += chunk;
  });
  expect(await once(refused, "close")).toEqual([ExitCodes.usage, null]);
  expect(err).toMatch(/^witan: The password does not open .*agent\.json\.\n$/);

  const [line] = await once(child.stdout ?? child, "data");
  expect(JSON.parse(String(line))).toMatchObject({ ready: true });
  child.kill("SIGTERM");
  expect(await once(child, "close")).toEqual([ExitCodes.ok, null]);
});
