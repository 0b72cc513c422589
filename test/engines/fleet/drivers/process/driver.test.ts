import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { findProcesses } from "../../../../../src/engines/fleet/drivers/process/processes.js";
import { createProcessDriver, FleetError } from "../../../../../src/engines/fleet/index.js";
import { failingDisk } from "../../../../faults/failingDisk.js";
import { temporaryFolder } from "../../../../harness/folder.js";
import { healthyRelease, isFree, kill, startTestFleet, v1, waitForHealthy } from "../../testFleet.js";

const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 60_000, interval: 20 });

/** A server that is no workload of the fleet; a process that dies may hold its port for a moment longer. */
async function impostorOn(port: number): Promise<void> {
  await expect.poll(() => isFree(port), { timeout: 60_000, interval: 20 }).toBe(true);
  const impostor = createServer((_, response) => response.end("{}"));
  onTestFinished(() => void impostor.close());
  impostor.listen(port, "127.0.0.1");
  await once(impostor, "listening");
}

describe("a workload of local processes", () => {
  it("shows what each workload runs, how it is and what it uses", async () => {
    const { driver } = await startTestFleet({ replicas: 2 });
    const [first, second] = await driver.list();
    expect(first).toMatchObject({
      subject: "replica/web/0",
      workload: "web",
      release: { name: "v1", sha256: v1.sha256 },
      instance: expect.stringMatching(/^\d+@\d+@[0-9a-f]{8}$/),
      alive: true,
      healthy: true,
      latencyMs: expect.any(Number),
      changing: false,
    });
    expect(first?.memoryBytes).toBeGreaterThan(10 * 1024 * 1024);
    expect(first?.cpu).toBeGreaterThanOrEqual(0);
    expect(second?.subject).toBe("replica/web/1");
  });

  it("keeps the last instance of a workload that died, and tells that it did", async () => {
    const { driver } = await startTestFleet({ replicas: 1 });
    const [before] = await driver.list();
    kill(before?.instance);
    await eventually(async () => (await driver.list())[0]).toMatchObject({
      instance: before?.instance,
      alive: false,
      healthy: false,
      latencyMs: null,
      cpu: 0,
      memoryBytes: 0,
    });
  });

  it("does not take another server on the port for the workload", async () => {
    const { driver, basePort } = await startTestFleet({ replicas: 1 });
    const [before] = await driver.list();
    kill(before?.instance);
    await eventually(async () => (await driver.list())[0]?.alive).toBe(false);
    await impostorOn(basePort);
    expect(await driver.list()).toMatchObject([{ alive: false, healthy: false }]);
  });

  it("has no health in what another process answers, though the replica lives: a child of the release before that kept the port", async () => {
    const { driver, basePort } = await startTestFleet({ replicas: 0 });
    await impostorOn(basePort);
    // It cannot listen, and lives on.
    const portless = await healthyRelease(
      "portless",
      (source) => `${source}\nserver.on("error", () => {});\nsetInterval(() => {}, 1e6);`,
    );
    await driver.create({ release: portless, replicas: 1 });
    await eventually(async () => (await driver.list())[0]).toMatchObject({ alive: true, healthy: false });
    expect((await driver.list())[0]?.reason).toBe(`port ${basePort} belongs to a process that is not of this replica`);
  });

  it("brings up only what is missing when it is created again", async () => {
    const { driver } = await startTestFleet({ replicas: 2 });
    const before = await driver.list();
    kill(before[1]?.instance);
    await eventually(async () => (await driver.list())[1]?.alive).toBe(false);
    await driver.create({ release: v1, replicas: 2 });
    await waitForHealthy(driver, 2);
    const after = await driver.list();
    expect(after[0]?.instance).toBe(before[0]?.instance);
    expect(after[1]?.instance).not.toBe(before[1]?.instance);
  });

  it("leaves nothing running when it is stopped, not even what nobody wrote down", async () => {
    const { driver, dir } = await startTestFleet({ replicas: 2 });
    // As if an executor had died right after it started this one.
    const stray = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
      env: { WITAN_WORKLOAD_DIR: dir, WITAN_REPLICA: "web/0", WITAN_STEP: "d9/0" },
      stdio: "ignore",
    });
    await eventually(() => findProcesses({ workloadDir: dir })).toHaveLength(3);
    await driver.stopAll();
    expect(await findProcesses({ workloadDir: dir })).toEqual([]);
    expect(stray.signalCode ?? stray.exitCode).not.toBeUndefined();
    expect(await driver.list()).toEqual([]);
  });

  it("gives a workload its port and nothing of the agent's own environment", async () => {
    const release = await healthyRelease("telling", (source) => `console.log(JSON.stringify(process.env));\n${source}`);
    const { dir, basePort } = await startTestFleet({ replicas: 1, release });
    const log = await readFile(join(dir, "replicas", "0", "log.txt"), "utf8");
    const seen = JSON.parse(log.split("\n")[0] ?? "") as Record<string, string>;
    expect(Object.keys(seen).sort()).toEqual(["PATH", "PORT", "WITAN_REPLICA", "WITAN_STEP", "WITAN_WORKLOAD_DIR"]);
    expect(seen.PORT).toBe(String(basePort));
  });

  it("keeps a workload's log within its bound, and the log of the instance before", async () => {
    const { dir, basePort } = await startTestFleet({ replicas: 1 });
    const log = join(dir, "replicas", "0", "log.txt");
    await writeFile(log, "x".repeat(5_000), { flag: "a" });
    const driver = createProcessDriver({ dir, workload: "web", basePort, maxLogBytes: 1_000 });
    await driver.list();
    expect((await stat(log)).size).toBe(0);
    const [before] = await driver.list();
    kill(before?.instance);
    await eventually(async () => (await driver.list())[0]?.alive).toBe(false);
    await writeFile(log, "its last words\n");
    await driver.create({ release: v1, replicas: 1 });
    expect(await readFile(join(dir, "replicas", "0", "log.previous.txt"), "utf8")).toBe("its last words\n");
  });

  it("ends a process that does not listen to SIGTERM", async () => {
    const stubborn = await healthyRelease("stubborn", (source) =>
      source.replace(/^process\.on\("SIGTERM".*$/m, 'process.on("SIGTERM", () => {});'),
    );
    const { dir, basePort } = await startTestFleet({ replicas: 1, release: stubborn });
    const driver = createProcessDriver({ dir, workload: "web", basePort, graceMs: 50 });
    await driver.stopAll();
    expect(await findProcesses({ workloadDir: dir })).toEqual([]);
  });

  it("refuses names and ports that cannot be, and releases that cannot be run", async () => {
    const dir = temporaryFolder();
    expect(() => createProcessDriver({ dir, workload: "../web", basePort: 4_000 })).toThrow("is not a workload's name");
    expect(() => createProcessDriver({ dir, workload: "web", basePort: 70_000 })).toThrow("is not a port");
    const high = createProcessDriver({ dir, workload: "web", basePort: 65_535 });
    await expect(high.create({ release: v1, replicas: 2 })).rejects.toThrow("would need port");
    const driver = createProcessDriver({ dir, workload: "web", basePort: 4_000 });
    const noProgram = { ...v1, command: ["/nowhere/program", v1.command[1] ?? ""] };
    await expect(driver.create({ release: noProgram, replicas: 1 })).rejects.toMatchObject({
      kind: "not-startable",
    });
    await expect(driver.create({ release: { ...v1, command: ["node"] }, replicas: 1 })).rejects.toBeInstanceOf(
      FleetError,
    );
    await driver.stopAll();
  });
});

describe("a workload on a disk that fails or was damaged", () => {
  const driverIn = (dir: string) => createProcessDriver({ dir, workload: "web", basePort: 9_000 });

  it("is let go, though neither what changes nor the lock could be removed", async () => {
    const dir = temporaryFolder();
    const driver = driverIn(dir);
    {
      using disk = failingDisk();
      const failing = driver.exclusively(async ({ announce }) => {
        await announce([1]);
        disk.room = 0;
        disk.fail("truncate", "EIO");
        await announce([2]);
      });
      await expect(failing).rejects.toMatchObject({ code: "disk-failed" });
    }
    expect(await driver.exclusively(async () => "again")).toBe("again");
  });

  it("refuses the rollout whose journal is damaged, and no other", async () => {
    const dir = temporaryFolder();
    const driver = driverIn(dir);
    await mkdir(join(dir, "journal"));
    await writeFile(join(dir, "journal", "d1.jsonl"), '{"of":"another version"}\n');
    const parse = (value: unknown) => {
      if (typeof (value as { n?: unknown }).n !== "number") throw new TypeError("no step");
      return value;
    };
    const opened = (id: string) =>
      driver.exclusively(async ({ openJournal }) => {
        const { journal, entries } = await openJournal(id, parse);
        await journal.close();
        return entries;
      });
    await expect(opened("d1")).rejects.toMatchObject({ code: "fleet-damaged", retryable: false });
    expect(await opened("d2")).toEqual([]);
  });
});
