import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isSelfConsistent, type Release, type ReleaseFile } from "../../../../records/index.js";
import { FleetError } from "../../errors.js";
import { LOG_FILE, PREVIOUS_LOG_FILE } from "./logs.js";
import { instanceIdOf, readProcess } from "./proc.js";
import { marksOf, type ReplicaIdentity } from "./processes.js";

/** Replicas inherit nothing of the agent's environment, which may hold secrets. */
const SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin";

export interface StartProcessParameters extends ReplicaIdentity {
  readonly release: Release;
  readonly step: string;
  readonly port: number;
  /** What relative paths of a command are relative to: the working directory of the process. */
  readonly root: string;
  /** The replica's folder, where its log is. */
  readonly dir: string;
}

/**
 * Checks that what a release runs is what its sha256 names: the entry file, or of a signed release program, arguments,
 * environment and every file in place. The files of a bundle are those of a `ReleaseStore`, which checks them.
 *
 * @throws {FleetError} `hash-mismatch`, `not-startable` if a file cannot be read, `unsupported` for an image.
 */
export async function checkRelease(release: Release, root: string): Promise<void> {
  if (release.signed?.image !== undefined) {
    throw new FleetError("unsupported", `Release ${release.name} is an image, and this machine runs processes.`, {
      hints: ["Images run where the host is a cluster. Publish the release as a bundle."],
    });
  }
  const [program, entry] = release.command;
  if (program === undefined || (entry === undefined && release.signed?.bundle === undefined)) {
    throw new FleetError("not-startable", `Release ${release.name} names no program and entry file.`);
  }
  if (!isSelfConsistent(release)) {
    throw new FleetError("hash-mismatch", `Release ${release.name} is not what was signed.`, {
      hints: ["Nothing was started. Its program, arguments, environment or files were changed after it was signed."],
    });
  }
  const files = release.signed === undefined ? [{ path: entry ?? "", sha256: release.sha256 }] : release.signed.files;
  for (const file of files ?? []) await checkFile(file, release.name, root);
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
 * Starts a detached process, in a session of its own, that survives this one, with its output in the replica's log.
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
        ...marksOf({ workloadDir, replica }, step),
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

/** Keeps the log of the previous instance, which tells why it ended. */
async function keepPreviousLog(dir: string): Promise<void> {
  try {
    await rename(join(dir, LOG_FILE), join(dir, PREVIOUS_LOG_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
