import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import PQueue from "p-queue";
import { expect, it, onTestFinished } from "vitest";
import { backupOf, runBackups } from "../../../src/agent/maintenance/backups.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { temporaryFolder } from "../../harness/folder.js";
import { bytesOf, openDisk } from "../../ports/content/contentNodes.js";

const HOUR = 3_600_000;
const EVERY_MS = 900_000;

/** Backups of a node with one record, whose pauses are over when the test says so. */
async function running({ dir }: { dir: string }) {
  const store = await openDisk(temporaryFolder());
  await store.put(bytesOf(100), { keep: "record" });
  const config = {
    name: "node-1",
    dataDir: temporaryFolder(),
    chain: {
      rpcUrls: [],
      chainId: 31_337,
      contracts: {} as never,
      deployedAtBlock: 7,
      confirmations: 0,
      maxFeeGwei: 500,
    },
    backup: { dir, everyMs: EVERY_MS, keepNewest: 8, keepDays: 14 },
  };
  for (const { from } of backupOf(config).files) await writeFile(from, "");
  const clock = new TestClock(frozen(1_800_000_000_000));
  const pauses: number[] = [];
  let wake: () => void = () => undefined;
  let paused: () => void = () => undefined;
  const atPause = () => new Promise<void>((resolve) => (paused = resolve));
  clock.sleep = (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      pauses.push(milliseconds);
      wake = resolve;
      signal?.addEventListener("abort", () => reject(signal.reason));
      paused();
    });
  const logs: { level: string; message: string }[] = [];
  const logger = createLogger("info", (line) => logs.push(JSON.parse(line)));
  const stopping = new AbortController();
  const first = atPause();
  const exclusive = new PQueue({ concurrency: 1 });
  const done = runBackups({ config, store, clock, logger, exclusive }, stopping.signal);
  const stop = () => {
    stopping.abort();
    return done;
  };
  onTestFinished(stop);
  await first;
  return {
    clock,
    logs,
    pauses,
    stop,
    async nextRun() {
      const next = atPause();
      wake();
      await next;
    },
  };
}

it("backs up at once, then after each pause, as often when the wall clock is stepped by an hour", async () => {
  const { clock, logs, nextRun, pauses, stop } = await running({ dir: temporaryFolder() });
  for (const step of [-HOUR, HOUR]) {
    clock.stepWall(step);
    await nextRun();
  }
  await stop();
  // Once: folders of a test are on one disk.
  const messages = ["backed up", expect.stringContaining("on the disk of the data folder"), "backed up", "backed up"];
  expect(logs.map(({ message }) => message)).toEqual(messages);
  expect(pauses).toEqual([EVERY_MS, EVERY_MS, EVERY_MS]);
});

it("says that a backup failed, and tries again after the pause", async () => {
  const dir = join(temporaryFolder(), "backup");
  await writeFile(dir, "a file is in the way");
  const { logs, nextRun } = await running({ dir });
  expect(logs).toMatchObject([{ level: "error", message: "the backup failed" }]);
  await nextRun();
  expect(logs).toHaveLength(2);
});

it("does nothing without a folder to back up into", async () => {
  const store = await openDisk(temporaryFolder());
  const dataDir = temporaryFolder();
  await mkdir(dataDir, { recursive: true });
  const chain = {
    rpcUrls: [],
    chainId: 1,
    contracts: {} as never,
    deployedAtBlock: 0,
    confirmations: 0,
    maxFeeGwei: 500,
  };
  const config = { name: "node-1", dataDir, chain, backup: undefined };
  const logger = createLogger("silent", () => expect.unreachable("nothing is to be said"));
  const exclusive = new PQueue({ concurrency: 1 });
  await runBackups({ config, store, clock: frozen(), logger, exclusive }, new AbortController().signal);
});
