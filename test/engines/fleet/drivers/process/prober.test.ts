import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { acquireLock } from "../../../../../src/engines/fleet/drivers/process/lock.js";
import { ReplicaProber } from "../../../../../src/engines/fleet/drivers/process/prober.js";
import { instanceIdOf, ownInstanceId, readProcess } from "../../../../../src/engines/fleet/drivers/process/proc.js";
import { processFinder, stopProcesses } from "../../../../../src/engines/fleet/drivers/process/processes.js";
import { WorkloadFolder } from "../../../../../src/engines/fleet/drivers/process/workloadFolder.js";
import { systemClock } from "../../../../../src/utils/clock.js";

const releaseOf = (name: string) => ({ name, command: ["node", "web.mjs"], sha256: `0x${"11".repeat(32)}` }) as const;
const named = (name: string) => ({ name, sha256: releaseOf(name).sha256 });
/** An instance whose pid is another process's by now. */
const DEAD = `${process.pid}@1`;

/** A server on loopback that gives each health check the next of these statuses. */
async function serving(...statuses: readonly number[]): Promise<number> {
  let asked = 0;
  return listening(
    createServer((_, response) => {
      response.writeHead(statuses[Math.min(asked++, statuses.length - 1)] ?? 200).end();
    }),
  );
}

/** The port of a server on loopback that ends after the test. */
async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A workload of `replicas`, none of which was ever started. This process serves as the instance of those that run. */
async function open({ replicas = 2, basePort = 1, maxLogBytes = 100 } = {}) {
  const dir = await mkdtemp(join(tmpdir(), "witan-prober-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const folder = new WorkloadFolder(dir, "web");
  const current = releaseOf("current");
  await folder.writeState({ workload: "web", basePort, replicas, current, good: [], rollout: null });
  const prober = new ReplicaProber(folder, { healthTimeoutMs: 5_000, maxLogBytes, clock: systemClock });
  const run = async (index: number, port: number, instance?: string) => {
    const release = releaseOf("run");
    await folder.writeSpec(index, { release: releaseOf("wanted"), port, step: "d/0" });
    const id = instance ?? (await ownInstanceId());
    await folder.writeInstance(index, { instance: id, release, step: "d/0", startedAt: 7 });
  };
  return { dir, folder, prober, run };
}

describe("a replica that was never started", () => {
  it("is not alive, and has the release that it should run", async () => {
    const { folder, prober } = await open();
    expect(await prober.probe(1)).toEqual({
      subject: "replica/web/1",
      workload: "web",
      release: named("current"),
      ...{ instance: null, alive: false, healthy: false, latencyMs: null, changing: false, cpu: 0, memoryBytes: 0 },
      ...{ reason: "it never started", address: { host: "127.0.0.1", port: 2 } },
    });
    await folder.writeSpec(1, { release: releaseOf("wanted"), port: 1, step: "d/0" });
    expect((await prober.probe(1)).release).toEqual(named("wanted"));
  });

  it("is not probed in a folder without a workload", async () => {
    const dir = await mkdtemp(join(tmpdir(), "witan-prober-"));
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const limits = { healthTimeoutMs: 1, maxLogBytes: 1, clock: systemClock };
    const prober = new ReplicaProber(new WorkloadFolder(dir, "web"), limits);
    expect(await prober.list()).toEqual([]);
    await expect(prober.probe(0)).rejects.toMatchObject({ kind: "unknown-workload" });
  });
});

describe("a replica that runs", () => {
  it("is alive and healthy, with its load and the release that it runs", async () => {
    const { prober, run } = await open();
    await run(0, await serving(200));
    expect(await prober.probe(0)).toEqual({
      subject: "replica/web/0",
      workload: "web",
      release: named("run"),
      instance: await ownInstanceId(),
      ...{ alive: true, healthy: true, changing: false },
      address: { host: "127.0.0.1", port: expect.any(Number) },
      latencyMs: expect.any(Number),
      cpu: expect.any(Number),
      memoryBytes: expect.any(Number),
    });
    expect((await prober.probe(0)).memoryBytes).toBeGreaterThan(1_000_000);
  });

  it("is alive and not healthy if its health check says so, or nothing answers", async () => {
    const { prober, run } = await open();
    await run(0, await serving(503));
    await run(1, 1);
    expect(await prober.list()).toMatchObject([
      { alive: true, healthy: false, latencyMs: expect.any(Number) },
      { alive: true, healthy: false, latencyMs: null },
    ]);
  });

  it("is asked at the port that its place gives until a port was written", async () => {
    const port = await serving(200);
    const { folder, prober } = await open({ basePort: port - 1 });
    const instance = await ownInstanceId();
    await folder.writeInstance(1, { instance, release: releaseOf("run"), step: "d/0", startedAt: 7 });
    expect(await prober.probe(1)).toMatchObject({ alive: true, healthy: true });
  });

  it("is being changed if a living executor says so", async () => {
    const { dir, folder, prober } = await open();
    const lock = await acquireLock(dir);
    await folder.writeChanging(await ownInstanceId(), [1]);
    expect((await prober.list()).map(({ changing }) => changing)).toEqual([false, true]);
    await lock.release();
    expect((await prober.list()).map(({ changing }) => changing)).toEqual([false, false]);
  });
});

describe("a replica whose port another process holds", () => {
  it("is alive and not healthy, though that answers well", async () => {
    const other = spawn("sleep", ["60"], { stdio: "ignore" });
    onTestFinished(() => void other.kill());
    const facts = await readProcess(other.pid ?? 0);
    const { prober, run } = await open();
    const port = await serving(200);
    await run(0, port, facts && instanceIdOf(facts));
    expect(await prober.probe(0)).toMatchObject({
      ...{ alive: true, healthy: false, latencyMs: expect.any(Number) },
      reason: `port ${port} belongs to a process that is not of this replica`,
    });
  });
});

describe("a replica whose leading thread has exited", () => {
  // Only a system call ends one thread and not the others.
  const source = [
    "import ctypes, http.server, os, platform, threading",
    "class Healthy(http.server.BaseHTTPRequestHandler):",
    "  def do_GET(self): self.send_response(200); self.end_headers()",
    "  def log_message(self, *args): pass",
    "server = http.server.HTTPServer(('127.0.0.1', 0), Healthy)",
    "threading.Thread(target=server.serve_forever).start()",
    "print(server.server_port, flush=True)",
    "ctypes.CDLL(None).syscall({'x86_64': 60, 'aarch64': 93}[platform.machine()], 0)",
  ].join("\n");
  const hasPython = spawnSync("python3", ["--version"]).status === 0;

  it.skipIf(!hasPython)(
    "is alive and not healthy, though the others answer well, and can be stopped (needs python3)",
    async () => {
      const child = spawn("python3", ["-c", source], { stdio: ["ignore", "pipe", "ignore"], detached: true });
      onTestFinished(() => void child.kill("SIGKILL"));
      const [port] = await once(child.stdout, "data");
      const exited = async () => (await readProcess(child.pid ?? 0))?.leaderExited;
      await expect.poll(exited, { timeout: 60_000, interval: 20 }).toBe(true);
      const facts = await readProcess(child.pid ?? 0);
      const { dir, prober, run } = await open();
      await run(0, Number(port), facts && instanceIdOf(facts));
      expect(await prober.probe(0)).toMatchObject({
        ...{ alive: true, healthy: false, reason: "its leading thread has exited", latencyMs: expect.any(Number) },
      });
      await stopProcesses(processFinder({ workloadDir: dir, replica: "web/0" }, facts), 20, systemClock);
      expect(await prober.probe(0)).toMatchObject({ alive: false, healthy: false });
    },
  );
});

describe("a replica that died", () => {
  it("is not healthy, though another process answers on its port", async () => {
    const { prober, run } = await open();
    await run(0, await serving(200), DEAD);
    expect(await prober.probe(0)).toMatchObject({
      release: named("run"),
      ...{ instance: DEAD, alive: false, healthy: false, latencyMs: null, cpu: 0, memoryBytes: 0 },
    });
  });

  it("is not healthy if it died during its health check, though something answered that", async () => {
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    const facts = await readProcess(child.pid ?? 0);
    const server = createServer((_, response) => {
      child.once("exit", () => response.writeHead(200).end());
      child.kill("SIGKILL");
    });
    const { prober, run } = await open();
    await run(0, await listening(server), facts && instanceIdOf(facts));
    expect(await prober.probe(0)).toMatchObject({ alive: false, healthy: false, latencyMs: expect.any(Number) });
  });
});

describe("the list of a workload's replicas", () => {
  it("has those that should run, and those that still have a folder, by number", async () => {
    const { folder, prober } = await open({ replicas: 2 });
    for (const index of [11, 3]) await folder.writeSpec(index, { release: releaseOf("old"), port: 1, step: "d/0" });
    const listed = (await prober.list()).map(({ subject }) => subject);
    expect(listed).toEqual([0, 1, 3, 11].map((index) => `replica/web/${index}`));
  });
});

describe("a replica's log", () => {
  it("is moved away beyond its bound, and left alone up to it", async () => {
    const { folder, prober, run } = await open({ maxLogBytes: 100 });
    await run(0, 1);
    const log = join(folder.replicaDir(0), "log.txt");
    for (const [bytes, left] of [
      [100, 100],
      [101, 0],
    ] as const) {
      await writeFile(log, "a".repeat(bytes));
      await prober.probe(0);
      expect((await readFile(log, "utf8")).length).toBe(left);
    }
  });
});
