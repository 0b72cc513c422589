import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeDurably } from "../../../../utils/durable.js";
import { FleetError } from "../../errors.js";
import { type InstanceId, ownInstanceId, readInstance } from "./proc.js";

const PREFIX = "lock.";
/** A race for the lock is decided in microseconds: after losing this often, another process has it. */
const ATTEMPTS = 3;

/** The content of a lock file. */
interface LockFile {
  /** null once released. */
  readonly owner: InstanceId | null;
}

/** The lock, held by this process. */
export interface WorkloadLock {
  release(): Promise<void>;
}

/**
 * Acquires the workload's lock for this process, so that one executor acts at a time.
 *
 * Each acquisition creates a file of its own, `lock.1`, `lock.2`, ..., by link(2), which is atomic and succeeds once.
 * The highest number is the lock; it is free once its owner released it or, as /proc tells, died. A dead owner's file is
 * never replaced, only superseded by a higher number, so that two processes that find it stale cannot both win.
 *
 * @throws {FleetError} `busy` while a living process holds it.
 */
export async function acquireLock(dir: string): Promise<WorkloadLock> {
  await mkdir(dir, { recursive: true });
  const owner = await ownInstanceId();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const highest = await highestNumber(dir);
    const holder = highest === 0 ? undefined : await readHolder(dir, highest);
    if (holder?.owner && (await readInstance(holder.owner))) {
      throw new FleetError("busy", `Process ${holder.owner} is changing the workload in ${dir}.`, {
        hints: ["Try again when it has finished; its lock ends with it."],
      });
    }
    const number = highest + 1;
    if (await claim(dir, number, owner)) {
      await removeUpTo(dir, number - 1);
      return { release: () => writeDurably(fileOf(dir, number), JSON.stringify({ owner: null } satisfies LockFile)) };
    }
  }
  throw new FleetError("busy", `Other processes are acquiring the lock of the workload in ${dir}.`);
}

/** The process that holds the lock now; null if none does. */
export async function lockOwner(dir: string): Promise<InstanceId | null> {
  const highest = await highestNumber(dir);
  const holder = highest === 0 ? undefined : await readHolder(dir, highest);
  return holder?.owner && (await readInstance(holder.owner)) ? holder.owner : null;
}

async function claim(dir: string, number: number, owner: InstanceId): Promise<boolean> {
  const temporary = join(dir, `claim.${randomBytes(6).toString("hex")}.tmp`);
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(JSON.stringify({ owner } satisfies LockFile));
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(temporary, fileOf(dir, number));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dir);
  // A process that listed the folder long ago may claim a number below the highest, which is not the lock.
  if ((await highestNumber(dir)) === number) return true;
  await rm(fileOf(dir, number), { force: true });
  return false;
}

async function highestNumber(dir: string): Promise<number> {
  return Math.max(0, ...(await numbers(dir)));
}

async function numbers(dir: string): Promise<number[]> {
  const names = await readdir(dir);
  return names.filter((name) => /^lock\.\d+$/.test(name)).map((name) => Number(name.slice(PREFIX.length)));
}

async function removeUpTo(dir: string, number: number): Promise<void> {
  for (const each of await numbers(dir)) if (each <= number) await rm(fileOf(dir, each), { force: true });
}

async function readHolder(dir: string, number: number): Promise<LockFile | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(dir, number), "utf8")) as LockFile;
  } catch (error) {
    // Superseded between the listing and the reading.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function fileOf(dir: string, number: number): string {
  return join(dir, `${PREFIX}${number}`);
}
