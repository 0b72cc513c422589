import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  bootId,
  instanceIdOf,
  type ProcessFacts,
  readInstance,
  readProcess,
} from "../../../../../src/engines/fleet/drivers/process/proc.js";
import {
  findProcesses,
  findStarted,
  marksOf,
  processFinder,
  stopProcesses,
} from "../../../../../src/engines/fleet/drivers/process/processes.js";
import { startProcess } from "../../../../../src/engines/fleet/drivers/process/replica.js";
import { systemClock } from "../../../../../src/utils/clock.js";
import { TestClock } from "../../../../harness/clock.js";
import { temporaryFolder } from "../../../../harness/folder.js";
import { v1 } from "../../testFleet.js";

const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 60_000, interval: 20 });

/** A shell in a session of its own, with the marks of replica `web/0`, that runs `script`. Ends with the test. */
async function shell(script: string): Promise<{ leader: ProcessFacts; find: () => Promise<ProcessFacts[]> }> {
  const identity = { workloadDir: temporaryFolder(), replica: "web/0" };
  const env = { PATH: "/usr/bin:/bin", ...marksOf(identity, "d/0") };
  const child = spawn("/bin/sh", ["-c", script], { env, detached: true, stdio: ["ignore", "pipe", "ignore"] });
  await once(child.stdout, "data");
  const leader = await readProcess(child.pid ?? 0);
  if (leader === undefined) throw new Error("the shell has ended");
  const find = processFinder(identity, leader);
  onTestFinished(() => stopProcesses(find, 0, systemClock));
  return { leader, find };
}

describe("a replica's process", () => {
  it("is found by its folder, its name and the step that started it, until it is stopped", async () => {
    const workloadDir = temporaryFolder();
    const identity = { workloadDir, replica: "web/0" };
    const dir = join(workloadDir, "replicas", "0");
    const instance = await startProcess({ ...identity, release: v1, step: "d1/0", port: 0, root: process.cwd(), dir });
    onTestFinished(() => stopProcesses(() => findProcesses({ workloadDir }), 0, systemClock));
    const started = await findStarted(identity, "d1/0");
    expect(started && instanceIdOf(started)).toBe(instance);
    expect(await findStarted(identity, "d2/0")).toBeUndefined();
    expect(await findProcesses({ workloadDir, replica: "web/1" })).toEqual([]);
    await stopProcesses(() => findProcesses({ workloadDir, replica: "web/0" }), 1_000, systemClock);
    expect(await readInstance(instance)).toBeUndefined();
  });

  it("counts as dead after the machine was booted, though pid and start time are those of a living one", async () => {
    const own = await readProcess(process.pid);
    const name = `${own?.pid}@${own?.startTime}`;
    expect(await readInstance(`${name}@${bootId()}`)).toMatchObject({ pid: process.pid });
    expect(await readInstance(`${name}@00000000`)).toBeUndefined();
    // As earlier versions named it.
    expect(await readInstance(name)).toMatchObject({ pid: process.pid });
  });

  it("ends with all of its session, also those that have cleared their environment", async () => {
    const { find, leader } = await shell(
      "env -i /bin/sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1; done' & wait",
    );
    const found = await find();
    expect(found.length).toBeGreaterThan(1);
    expect(new Set(found.map(({ session }) => session))).toEqual(new Set([leader.pid]));
    await stopProcesses(find, 20, systemClock);
    const left = await Promise.all(found.map((each) => readInstance(instanceIdOf(each))));
    expect(left.filter(Boolean)).toEqual([]);
  });

  it("ends with those that left its session, and those that they fork while they are told to end", async () => {
    // Each that is told to end starts its successor, in a session of its own.
    const refork = join(temporaryFolder(), "refork.sh");
    await writeFile(refork, "trap 'setsid /bin/sh \"$0\" & exit' TERM\necho ready\nwhile :; do sleep 0.1; done\n");
    const { find, leader } = await shell(`setsid /bin/sh ${refork} & wait`);
    await eventually(async () => (await find()).some(({ session }) => session !== leader.pid)).toBe(true);
    await stopProcesses(find, 100, systemClock);
    expect(await find()).toEqual([]);
  });

  it.each([-3_600_000, 3_600_000])(
    "that ignores SIGTERM is killed, also while the wall clock steps by %i ms",
    async (step) => {
      const source = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready')";
      const child = spawn(process.execPath, ["-e", source], { stdio: ["ignore", "pipe", "ignore"] });
      await once(child.stdout, "data");
      const facts = await readProcess(child.pid ?? 0);
      const instance = facts === undefined ? "" : instanceIdOf(facts);
      const clock = new TestClock();
      const stopped = stopProcesses(
        async () => [await readInstance(instance)].filter((each) => each !== undefined),
        50,
        clock,
      );
      clock.stepWall(step);
      await stopped;
      expect(await readInstance(instance)).toBeUndefined();
    },
  );
});
