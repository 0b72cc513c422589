import { chmod, mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AgentConfig } from "../../../../src/agent/config.js";
import type { RunningNode } from "../../../../src/agent/node.js";
import { ConfigError } from "../../../../src/errors.js";
import { ChainError } from "../../../../src/ports/chain/index.js";
import { openBlocks } from "../../../../src/ports/content/drivers/disk.js";
import { startWhenPossible } from "../../../../src/surfaces/cli/nodes/startWhenPossible.js";
import { systemClock } from "../../../../src/utils/clock.js";
import { Journal } from "../../../../src/utils/journal.js";
import { createLogger } from "../../../../src/utils/logger.js";
import { mayMount, smallDisk } from "../../../faults/smallDisk.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { patience } from "../../../harness/patience.js";
import { VirtualClock } from "../../../harness/virtualClock.js";

const logged: string[] = [];
const logger = createLogger("error", (line) => logged.push(String(line)));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The stores and journals that a node opens first, without its chain. */
async function start({ dataDir }: AgentConfig): Promise<RunningNode> {
  const blocks = await openBlocks(dataDir, systemClock);
  await blocks.close();
  const { journal } = await Journal.open(join(dataDir, "ballots.jsonl"));
  await journal.close();
  return {} as RunningNode;
}

async function waitingOn(dataDir: string) {
  const port = await freePort();
  const disk = { reserveBytes: 64 * 1024, lowSpaceBytes: 128 * 1024 };
  const config = { name: "node-0", dataDir, disk, http: { host: "127.0.0.1", port } } as AgentConfig;
  const ending = new AbortController();
  const started = startWhenPossible({
    ...{ config, password: "", logger, clock: systemClock, signal: ending.signal, start },
  });
  const status = async () => (await fetch(`http://127.0.0.1:${port}/status`)).json().catch(() => undefined);
  return { started, status, end: () => ending.abort(), url: `http://127.0.0.1:${port}` };
}

describe.skipIf(!mayMount)("a node whose disk takes no writes when it starts (needs root)", () => {
  it("says that it is read-only and signs nothing, and starts once it is not (EROFS)", async () => {
    using disk = smallDisk(8 * 1024 * 1024);
    const dataDir = join(disk.dir, "data");
    await mkdir(dataDir);
    await start({ dataDir } as AgentConfig);
    disk.readOnly(true);
    const { started, status, url } = await waitingOn(dataDir);
    await expect
      .poll(() => status().catch(() => undefined), patience)
      .toMatchObject({
        name: "node-0",
        signing: null,
        waiting: { for: "disk", reason: expect.stringMatching(/read-only/i) },
        disk: { state: "read-only" },
      });
    expect(await (await fetch(`${url}/ballots/1`)).json()).toMatchObject({
      error: expect.stringContaining("not started"),
    });
    expect(logged.join()).toContain("signs nothing");
    disk.readOnly(false);
    expect(await started).toBeDefined();
    await expect(status()).rejects.toThrow();
  });

  it("says that it is full where even its reserve does not do, and ends when it is told to (ENOSPC)", async () => {
    using disk = smallDisk(8 * 1024 * 1024);
    disk.fill();
    const { end, started, status } = await waitingOn(join(disk.dir, "data"));
    await expect
      .poll(() => status().catch(() => undefined), patience)
      .toMatchObject({
        waiting: { reason: expect.stringContaining("no ") },
        disk: { state: "full" },
      });
    end();
    expect(await started).toBeUndefined();
  });
});

it("waits for an RPC address that answers, says so, and starts then", async () => {
  const port = await freePort();
  const config = { name: "node-0", dataDir: temporaryFolder(), http: { host: "127.0.0.1", port } } as AgentConfig;
  const clock = new VirtualClock();
  let isAway = true;
  const start = async () => {
    if (isAway) throw new ChainError("rpc-unreachable", "The RPC answered with HTTP status 503.");
    return {} as RunningNode;
  };
  const signal = new AbortController().signal;
  const started = startWhenPossible({ config, password: "", logger, clock, signal, start });
  const status = async () => (await fetch(`http://127.0.0.1:${port}/status`)).json();
  await expect
    .poll(() => status().catch(() => undefined), patience)
    .toMatchObject({ signing: null, waiting: { for: "chain", reason: expect.stringContaining("503"), failures: 1 } });
  expect(logged.join()).toContain("until an RPC address answers");
  isAway = false;
  await clock.pass(1_000);
  expect(await started).toBeDefined();
});

it("does not wait for what neither disk nor chain can mend", async () => {
  const logger = createLogger("silent", () => undefined);
  const config = { http: { host: "127.0.0.1", port: 0 } } as AgentConfig;
  const shared = { config, password: "", logger, clock: systemClock, signal: new AbortController().signal };
  const errors = [
    new ConfigError("wrong", { cause: Object.assign(new Error("denied"), { code: "EACCES", path: "/key" }) }),
    Object.assign(new Error("listen EACCES: permission denied 0.0.0.0:80"), { code: "EACCES" }),
    new TypeError("a defect"),
    new ChainError("wrong-chain", "The chain has another id."),
  ];
  for (const error of errors) {
    const started = startWhenPossible({ ...shared, start: () => Promise.reject(error) });
    await expect(started).rejects.toBe(error);
  }
});

it.skipIf(process.getuid?.() === 0)("names a folder that another user owns (EACCES)", async () => {
  const dir = temporaryFolder();
  await chmod(dir, 0o500);
  await expect(Journal.open(join(dir, "sub", "journal"))).rejects.toMatchObject({ code: "disk-denied" });
});
