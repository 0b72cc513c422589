import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { instanceIdOf, readInstance, readProcess } from "../../../../../src/engines/fleet/drivers/process/proc.js";
import {
  boundLog,
  checkRelease,
  findProcesses,
  findStarted,
  startProcess,
  stopProcesses,
} from "../../../../../src/engines/fleet/drivers/process/replica.js";
import { releaseHash } from "../../../../../src/records/index.js";
import { systemClock } from "../../../../../src/utils/clock.js";
import { TestClock } from "../../../../harness/clock.js";
import { temporaryFolder } from "../../../../harness/folder.js";
import { v1 } from "../../testFleet.js";

describe("a release", () => {
  it("is refused if its entry file is missing or has another sha256", async () => {
    await expect(checkRelease(v1, process.cwd())).resolves.toBeUndefined();
    await expect(checkRelease(v1, temporaryFolder())).rejects.toMatchObject({ kind: "not-startable" });
    const other = { ...v1, sha256: `0x${"00".repeat(32)}` } as const;
    await expect(checkRelease(other, process.cwd())).rejects.toMatchObject({ kind: "hash-mismatch" });
  });

  it("that is signed is refused if any of its files, or anything else that it runs, is not what was signed", async () => {
    const root = temporaryFolder();
    await writeFile(join(root, "server.mjs"), "serve();");
    await writeFile(join(root, "lib.mjs"), "export {};");
    const sha256 = (text: string) => `0x${createHash("sha256").update(text).digest("hex")}` as const;
    const files = [
      { path: "server.mjs", sha256: sha256("serve();") },
      { path: "lib.mjs", sha256: sha256("export {};") },
    ];
    const parts = { workload: "web", env: { MODE: "fast" }, files };
    const [name, command] = ["v2", ["node", "server.mjs"]] as const;
    const hash = releaseHash({ schema: "witan/release-contents/1", name, command, ...parts });
    const signed = { ...parts, publisher: sha256("key"), signature: `0x${"00".repeat(64)}` } as const;
    const release = { name, command, sha256: hash, signed };
    await expect(checkRelease(release, root)).resolves.toBeUndefined();
    for (const changed of [
      { ...release, command: ["node", "server.mjs", "--evil"] },
      { ...release, signed: { ...signed, env: { NODE_OPTIONS: "--require=evil.cjs" } } },
      { ...release, signed: { ...signed, files: files.slice(0, 1) } },
    ]) {
      await expect(checkRelease(changed, root)).rejects.toMatchObject({ kind: "hash-mismatch" });
    }
    await writeFile(join(root, "lib.mjs"), "evil();");
    await expect(checkRelease(release, root)).rejects.toMatchObject({ kind: "hash-mismatch" });
  });
});

describe("a replica's process", () => {
  it("is found by its folder, its name and the step that started it, until it is stopped", async () => {
    const workloadDir = temporaryFolder();
    const identity = { workloadDir, replica: "web/0" };
    const dir = join(workloadDir, "replicas", "0");
    const instance = await startProcess({ ...identity, release: v1, step: "d1/0", port: 0, root: process.cwd(), dir });
    onTestFinished(async () => stopProcesses(await findProcesses(workloadDir), 0, systemClock));
    const started = await findStarted(identity, "d1/0");
    expect(started && instanceIdOf(started)).toBe(instance);
    expect(await findStarted(identity, "d2/0")).toBeUndefined();
    expect(await findProcesses(workloadDir, "web/1")).toEqual([]);
    await stopProcesses(await findProcesses(workloadDir, "web/0"), 1_000, systemClock);
    expect(await readInstance(instance)).toBeUndefined();
  });

  it.each([-3_600_000, 3_600_000])(
    "that ignores SIGTERM is killed, also while the wall clock steps by %i ms",
    async (step) => {
      const source = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready')";
      const child = spawn(process.execPath, ["-e", source], { stdio: ["ignore", "pipe", "ignore"] });
      await once(child.stdout, "data");
      const facts = await readProcess(child.pid ?? 0);
      const clock = new TestClock();
      const stopped = stopProcesses(facts ? [facts] : [], 50, clock);
      clock.stepWall(step);
      await stopped;
      expect(facts && (await readInstance(instanceIdOf(facts)))).toBeUndefined();
    },
  );
});

it("truncates a log beyond its bound, and leaves one within it", async () => {
  const dir = join(temporaryFolder(), "0");
  await boundLog(dir, 10);
  await mkdir(dir);
  await writeFile(join(dir, "log.txt"), "0123456789");
  await boundLog(dir, 10);
  expect(await readFile(join(dir, "log.txt"), "utf8")).toBe("0123456789");
  await boundLog(dir, 9);
  expect(await readFile(join(dir, "log.txt"), "utf8")).toBe("");
});
