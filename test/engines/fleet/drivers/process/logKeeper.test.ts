import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readProcess } from "../../../../../src/engines/fleet/drivers/process/proc.js";
import { bundle } from "../../../../harness/bundle.js";
import { healthyRelease, startTestFleet } from "../../testFleet.js";
import type { KeptChildArguments } from "./keptChild.js";

const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 60_000, interval: 50 });

it("bounds logs after the agent was killed, and ends with the workload", async () => {
  const chatty = await healthyRelease(
    "chatty",
    (source) => `${source}\nsetInterval(() => console.log("x".repeat(999)), 1);`,
  );
  const fleet = await startTestFleet({ replicas: 0 });
  const options: KeptChildArguments = {
    dir: fleet.dir,
    basePort: fleet.basePort,
    release: chatty,
    maxLogBytes: 20_000,
  };
  const script = await bundle(new URL("./keptChild.ts", import.meta.url));
  const agent = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ["ignore", "pipe", "inherit"] });
  await once(agent.stdout, "data");
  const dir = join(fleet.dir, "replicas", "0");
  const keeper = Number(await readFile(join(fleet.dir, "log-keeper.pid"), "utf8"));
  // It waits in the kernel for as long as the agent lives.
  await eventually(async () => (await stat(join(dir, "log.txt"))).size).toBeGreaterThan(40_000);
  agent.kill("SIGKILL");
  await eventually(() =>
    stat(join(dir, "log.rotated.txt")).then(
      ({ size }) => size,
      () => 0,
    ),
  ).toBe(20_000);
  expect((await readFile(join(dir, "log.rotated.txt"), "utf8")).endsWith("x\n")).toBe(true);
  await rm(join(fleet.dir, "workload.json"));
  await eventually(async () => (await readProcess(keeper))?.zombie ?? true).toBe(true);
});
