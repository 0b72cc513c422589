import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createProcessDriver, type ProcessDriver, type RolloutContext } from "../../../src/engines/fleet/index.js";
import type { Draining } from "../../../src/engines/fleet/types.js";
import type { Hex, Release } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { temporaryFolder } from "../../harness/folder.js";
import { timing } from "./timing.js";

export const v1 = releaseOf("v1", "examples/workload/v1/server.mjs");
export const v2 = releaseOf("v2", "examples/workload/v2/server.mjs");

export function releaseOf(name: string, file: string): Release {
  const sha256: Hex = `0x${createHash("sha256").update(readFileSync(file)).digest("hex")}`;
  return { name, command: ["node", file], sha256 };
}

/** A healthy server that is another release than v1, at a path of its own. */
export async function healthyRelease(
  name: string,
  change: (source: string) => string = (source) => source,
): Promise<Release> {
  const dir = temporaryFolder();
  const file = join(dir, `${name}.mjs`);
  const source = readFileSync("examples/workload/v1/server.mjs", "utf8").replace('"v1"', JSON.stringify(name));
  await writeFile(file, change(source));
  return releaseOf(name, file);
}

export interface TestFleet {
  readonly driver: ProcessDriver;
  readonly dir: string;
  readonly basePort: number;
  /** What carrying an order out is given. */
  context(directiveId: string): RolloutContext;
}

export interface TestFleetOptions {
  readonly replicas?: number;
  readonly release?: Release;
  readonly draining?: Draining;
}

/** A fleet `web` of real processes, started on v1, and stopped to the last process when the test ends. */
export async function startTestFleet(options: TestFleetOptions = {}): Promise<TestFleet> {
  const fleet = await openTestFleet(options);
  onTestFinished(() => fleet.close());
  return fleet;
}

/** The same, for several tests, until it is closed. */
export async function openTestFleet({ replicas = 3, release = v1, draining }: TestFleetOptions = {}) {
  const dir = mkdtempSync(join(tmpdir(), "witan-fleet-"));
  const basePort = await freePorts(replicas + 4);
  const driver = createProcessDriver({ dir, workload: "web", basePort, graceMs: 500, ...(draining && { draining }) });
  const close = async () => {
    await driver.stopAll();
    await rm(dir, { recursive: true, force: true });
  };
  const context = (directiveId: string): RolloutContext => ({ driver, directiveId, ...timing });
  try {
    if (replicas > 0) {
      await driver.create({ release, replicas });
      await waitForHealthy(driver, replicas);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { driver, dir, basePort, context, close };
}

/** Waits until `count` workloads are healthy. */
export async function waitForHealthy(driver: ProcessDriver, count: number): Promise<void> {
  const healthy = async () => (await driver.list()).filter((each) => each.healthy).length;
  // A pause, since each look costs the processor that the workloads need to start.
  while ((await healthy()) < count) await systemClock.sleep(timing.probeEveryMs);
}

/** Kills a workload as a crash would. */
export function kill(instance: string | null | undefined, signal: NodeJS.Signals = "SIGKILL"): void {
  process.kill(Number(instance?.split("@")[0]), signal);
}

/** The first of `count` ports in a row that nobody listens on, among those that are this test process's own to choose from. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const worker = Number(process.env.VITEST_POOL_ID ?? 0) % 4;
    const base = 20_000 + worker * 2_500 + Math.floor(Math.random() * 2_400);
    const free = await Promise.all(Array.from({ length: count }, (_, offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error("no free ports");
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
