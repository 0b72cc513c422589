import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, stat, truncate } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isSelfConsistent, type Release, type ReleaseFile } from "../../../../records/index.js";
import type { Clock } from "../../../../utils/clock.js";
import { FleetError } from "../../errors.js";
import { instanceIdOf, type ProcessFacts, processesWith, readInstance, readProcess } from "./proc.js";

/** Set in every replica's environment, so that it is found even if the process that started it died before recording it. */
const DIR_VARIABLE = "WITAN_WORKLOAD_DIR";
const REPLICA_VARIABLE = "WITAN_REPLICA";
const STEP_VARIABLE = "WITAN_STEP";
/** Replicas inherit nothing of the agent's environment, which may hold secrets. */
const SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin";
/** The kernel ends a killed process within milliseconds, unless it hangs in a device. */
const KILL_TIMEOUT_MS = 5_000;
const STOP_POLL_MS = 10;
const LOG_FILE = "log.txt";

/** Identifies a replica's processes on the machine. */
export interface ReplicaIdentity {
  /** The workload's folder, absolute. */
  readonly workloadDir: string;
  /** Such as `web/3`. */
  readonly replica: string;
}

export interface StartProcessParameters extends ReplicaIdentity {
  readonly release: Release;
  readonly step: string;
  readonly port: number;
  /** What relative paths of a command are relative to. */
  readonly root: string;
  /** The replica's folder, where its log is. */
  readonly dir: string;
}

/**
 * Checks that what a release runs is what its sha256 names: the entry file, or of a signed release program, arguments,
 * environment and every file.
 *
 * @throws {FleetError} `hash-mismatch`, or `not-startable` if a file cannot be read.
 */
export async function checkRelease(release: Release, root: string): Promise<void> {
  const [program, entry] = release.command;
  if (program === undefined || entry === undefined) {
    throw new FleetError("not-startable", `Release ${release.name} names no program and entry file.`);
  }
  if (!isSelfConsistent(release)) {
    throw new FleetError("hash-mismatch", `Release ${release.name} is not what was signed.`, {
      hints: ["Nothing was started. Its program, arguments, environment or files were changed after it was signed."],
    });
  }
  const files = release.signed?.files ?? [{ path: entry, sha256: release.sha256 }];
  for (const file of files) await checkFile(file, release.name, root);
}

async function checkFile({ path, sha256 }: ReleaseFile, name: string, root: string): Promise<void> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(resolve(root, path))) hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw new FleetError("not-startable", `The file ${path} of release ${name} cannot be read.`, {
      cause,
      hints: [`Relative paths are relative to ${root}.`],
    });
  }
  const found = `0x${hash.digest("hex")}`;
  if (found === sha256) return;
  throw new FleetError("hash-mismatch", `The file ${path} of release ${name} is not the one that was voted for.`, {
    details: `${path} has sha256 ${found}, the release ${sha256}`,
    hints: ["Nothing was started. Put the right file in place, or propose a release with this file's sha256."],
  });
}

/**
 * Starts a detached process that survives this one, with its output in the replica's log.
 *
 * @returns the instance; that it started does not mean that it still runs.
 */
export async function startProcess({
  workloadDir,
  replica,
  release,
  step,
  port,
  root,
  dir,
}: StartProcessParameters): Promise<string> {
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
        ...release.signed?.env,
        PORT: String(port),
        [DIR_VARIABLE]: workloadDir,
        [REPLICA_VARIABLE]: replica,
        [STEP_VARIABLE]: step,
      },
    });
    const pid = await new Promise<number>((started, failed) => {
      child.once("error", failed);
      child.once("spawn", () => started(child.pid ?? 0));
    });
    child.unref();
    // A process that ended at once has no entry in /proc: it gets a start time that no living process has.
    return instanceIdOf((await readProcess(pid)) ?? { pid, startTime: "0" });
  } catch (cause) {
    throw new FleetError("not-startable", `${program} of release ${release.name} cannot be run.`, { cause });
  } finally {
    await log.close();
  }
}

/** The process that `step` started, if it is alive. */
export async function findStarted(
  { workloadDir, replica }: ReplicaIdentity,
  step: string,
): Promise<ProcessFacts | undefined> {
  const found = await processesWith({
    [DIR_VARIABLE]: workloadDir,
    [REPLICA_VARIABLE]: replica,
    [STEP_VARIABLE]: step,
  });
  // Processes that the replica starts inherit its environment; the replica itself leads the process group.
  return found.find(({ pid, processGroup }) => pid === processGroup);
}

/** All processes of one replica, or of the whole workload, recorded or not. */
export function findProcesses(workloadDir: string, replica?: string): Promise<ProcessFacts[]> {
  return processesWith({ [DIR_VARIABLE]: workloadDir, ...(replica && { [REPLICA_VARIABLE]: replica }) });
}

/**
 * Ends processes: SIGTERM, then SIGKILL for those still alive after `graceMs`.
 *
 * @throws {FleetError} `not-stoppable` if one survives that too.
 */
export async function stopProcesses(processes: readonly ProcessFacts[], graceMs: number, clock: Clock): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    for (const { pid } of await living(processes)) send(pid, signal);
    const deadline = clock.monotonic() + (signal === "SIGTERM" ? graceMs : KILL_TIMEOUT_MS);
    while ((await living(processes)).length > 0 && clock.monotonic() < deadline) await clock.sleep(STOP_POLL_MS);
  }
  const left = await living(processes);
  if (left.length === 0) return;
  throw new FleetError("not-stoppable", `Processes ${left.map(instanceIdOf).join(", ")} do not end.`);
}

/** Truncates a log beyond `maxBytes`. The replica goes on writing at its end, since it was opened to append. */
export async function boundLog(dir: string, maxBytes: number): Promise<void> {
  const path = join(dir, LOG_FILE);
  try {
    if ((await stat(path)).size > maxBytes) await truncate(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** Keeps the log of the previous instance, which tells why it ended. */
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
