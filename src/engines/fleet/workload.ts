import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, stat, truncate } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Release } from "../../records/index.js";
import { systemClock } from "../../utils/clock.js";
import { FleetError } from "./errors.js";
import { instanceIdOf, type ProcessFacts, processesWith, readInstance, readProcess } from "./proc.js";

/** Set in every workload's environment: whose it is, so that it is found again even if whoever started it died before writing it down. */
const FLEET_VARIABLE = "WITAN_FLEET";
const WORKLOAD_VARIABLE = "WITAN_WORKLOAD";
const STEP_VARIABLE = "WITAN_STEP";
/** Workloads inherit nothing of the agent's environment, which may hold secrets. */
const SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin";
/** The kernel ends a killed process within milliseconds, unless it hangs in a device. */
const KILL_TIMEOUT_MS = 5_000;
const STOP_POLL_MS = 10;
const LOG_FILE = "log.txt";

/** Whose process it is. */
export interface ReplicaName {
  /** The fleet's folder, absolute. */
  readonly fleetDir: string;
  /** Such as `web-3`. */
  readonly workload: string;
}

export interface StartOptions extends ReplicaName {
  readonly release: Release;
  readonly step: string;
  readonly port: number;
  /** Where relative paths of a command start. */
  readonly root: string;
  readonly dir: string;
}

/**
 * Checks that the release's entry file is the one that its sha256 names.
 *
 * @throws {FleetError} `hash-mismatch`, or `not-startable` where it cannot be read.
 */
export async function checkRelease(release: Release, root: string): Promise<void> {
  const [program, entry] = release.command;
  if (program === undefined || entry === undefined) {
    throw new FleetError("not-startable", `Release ${release.name} names no program and entry file.`);
  }
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(resolve(root, entry))) hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw new FleetError("not-startable", `The entry file ${entry} of release ${release.name} cannot be read.`, {
      cause,
      hints: [`Relative paths start at ${root}.`],
    });
  }
  const found = `0x${hash.digest("hex")}`;
  if (found === release.sha256) return;
  throw new FleetError(
    "hash-mismatch",
    `The entry file of release ${release.name} is not the one that was voted for.`,
    {
      details: `${entry} has sha256 ${found}, the release ${release.sha256}`,
      hints: ["Nothing was started. Put the right file in place, or propose the release that this file is."],
    },
  );
}

/**
 * Starts a process of its own that outlives this one, its output in the workload's log.
 *
 * @returns the instance; that it started does not mean that it still runs.
 */
export async function startProcess({
  fleetDir,
  workload,
  release,
  step,
  port,
  root,
  dir,
}: StartOptions): Promise<string> {
  await checkRelease(release, root);
  const [program = "", ...rest] = release.command;
  await mkdir(dir, { recursive: true });
  await keepPreviousLog(dir);
  const log = await open(join(dir, LOG_FILE), "a", 0o600);
  try {
    const child = spawn(program === "node" ? process.execPath : program, rest, {
      cwd: root,
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
      env: {
        PATH: SEARCH_PATH,
        PORT: String(port),
        [FLEET_VARIABLE]: fleetDir,
        [WORKLOAD_VARIABLE]: workload,
        [STEP_VARIABLE]: step,
      },
    });
    const pid = await new Promise<number>((started, failed) => {
      child.once("error", failed);
      child.once("spawn", () => started(child.pid ?? 0));
    });
    child.unref();
    // One that ended at once left nothing to read: it gets a start time that no living process has.
    return instanceIdOf((await readProcess(pid)) ?? { pid, startTime: "0" });
  } catch (cause) {
    throw new FleetError("not-startable", `${program} of release ${release.name} cannot be run.`, { cause });
  } finally {
    await log.close();
  }
}

/** The process that `step` started, where it lives. */
export async function findStarted(
  { fleetDir, workload }: ReplicaName,
  step: string,
): Promise<ProcessFacts | undefined> {
  const found = await processesWith({
    [FLEET_VARIABLE]: fleetDir,
    [WORKLOAD_VARIABLE]: workload,
    [STEP_VARIABLE]: step,
  });
  // What the workload itself starts inherits its environment; the workload leads the group.
  return found.find(({ pid, processGroup }) => pid === processGroup);
}

/** All processes of a workload, or of the whole fleet, whoever started them. */
export function findProcesses(fleetDir: string, workload?: string): Promise<ProcessFacts[]> {
  return processesWith({ [FLEET_VARIABLE]: fleetDir, ...(workload && { [WORKLOAD_VARIABLE]: workload }) });
}

/**
 * Ends processes: SIGTERM, and SIGKILL for those that live on after `graceMs`.
 *
 * @throws {FleetError} `not-stoppable` where one lives on even then.
 */
export async function stopProcesses(processes: readonly ProcessFacts[], graceMs: number): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    for (const { pid } of await living(processes)) send(pid, signal);
    const deadline = performance.now() + (signal === "SIGTERM" ? graceMs : KILL_TIMEOUT_MS);
    while ((await living(processes)).length > 0 && performance.now() < deadline) await systemClock.sleep(STOP_POLL_MS);
  }
  const left = await living(processes);
  if (left.length === 0) return;
  throw new FleetError("not-stoppable", `Processes ${left.map(instanceIdOf).join(", ")} do not end.`);
}

/** Keeps a log within bounds. The workload goes on writing at its end, since it was opened to append. */
export async function boundLog(dir: string, maxBytes: number): Promise<void> {
  const path = join(dir, LOG_FILE);
  try {
    if ((await stat(path)).size > maxBytes) await truncate(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** The log of the instance before, which tells why it ended. */
async function keepPreviousLog(dir: string): Promise<void> {
  try {
    await rename(join(dir, LOG_FILE), join(dir, "log.previous.txt"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

async function living(processes: readonly ProcessFacts[]): Promise<ProcessFacts[]> {
  const now = await Promise.all(processes.map((facts) => readInstance(instanceIdOf(facts))));
  return now.filter((facts) => facts !== undefined);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
