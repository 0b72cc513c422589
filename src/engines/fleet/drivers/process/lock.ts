import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { asDiskError } from "../../../../utils/disk/diskError.js";
import { writeDurably } from "../../../../utils/durable.js";
import { FleetError } from "../../errors.js";
import { type InstanceId, ownInstanceId, readInstance } from "./proc.js";

const PREFIX = "lock.";
/** A race for the lock is decided in microseconds: after losing this often, another process has it. */
const ATTEMPTS = 3;

/** The tokens of the locks that this process holds: a lock of its own with another was released, though the disk failed then. */
const held = new Set<string>();

/** The content of a lock file; it is empty once released. */
const lockFile = z.object({
  /** null once released, by earlier versions. */
  owner: z.string().nullable(),
  /** Tells this acquisition from others of the same process. */
  token: z.string().optional(),
});

type LockFile = z.output<typeof lockFile>;

/** The lock, held by this process. */
export interface WorkloadLock {
  /** Takes no room on the disk. If it rejects, this process can acquire the lock again, and others once this process has ended. */
  release(): Promise<void>;
}

/**
 * Acquires the workload's lock for this process, so that one executor acts at a time.
 *
 * Each acquisition creates a file of its own, `lock.1`, `lock.2`, ..., by link(2), which is atomic and succeeds once.
 * The highest number is the lock; it is free once its owner has emptied it or, as /proc tells, died. A dead owner's file is
 * never replaced, only superseded by a higher number, so that two processes that find it stale cannot both win.
 *
 * @throws {FleetError} `busy` while a living process holds it, {@link DiskError}
 */
export async function acquireLock(dir: string): Promise<WorkloadLock> {
  await mkdir(dir, { recursive: true });
  const owner = await ownInstanceId();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const highest = await highestNumber(dir);
    const holder = await livingOwner(dir, highest, owner);
    if (holder !== null) {
      throw new FleetError("busy", `Process ${holder} is changing the workload in ${dir}.`, {
        hints: ["Try again when it has finished; its lock ends with it."],
      });
    }
    const token = randomUUID();
    held.add(token);
    try {
      const path = fileOf(dir, highest + 1);
      if (await claim(dir, highest + 1, { owner, token })) {
        await removeUpTo(dir, highest);
        return {
          release() {
            held.delete(token);
            return empty(path);
          },
        };
      }
    } catch (error) {
      held.delete(token);
      throw error;
    }
    held.delete(token);
  }
  throw new FleetError("busy", `Other processes are acquiring the lock of the workload in ${dir}.`);
}

/** The process that holds the lock now; null if none does. */
export async function lockOwner(dir: string): Promise<InstanceId | null> {
  return livingOwner(dir, await highestNumber(dir), await ownInstanceId());
}

async function livingOwner(dir: string, number: number, self: InstanceId): Promise<InstanceId | null> {
  const { owner = null, token = "" } = (number === 0 ? undefined : await readHolder(dir, number)) ?? {};
  if (owner === null || (owner === self && !held.has(token))) return null;
  return (await readInstance(owner)) ? owner : null;
}

/** Releases a lock in place: a full disk takes no new file, and a file that was removed would give its number to another. */
async function empty(path: string): Promise<void> {
  try {
    const file = await open(path, "r+");
    try {
      await file.truncate(0);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw asDiskError(path, error);
  }
}

async function claim(dir: string, number: number, lock: LockFile): Promise<boolean> {
  try {
    await writeDurably(fileOf(dir, number), JSON.stringify(lock), { overwrite: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
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
  const path = fileOf(dir, number);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    // Superseded between the listing and the reading.
    if (error.code === "ENOENT") return "";
    throw error;
  });
  if (text === "") return undefined;
  try {
    return lockFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new FleetError("damaged", `The lock ${path} cannot be read: it does not tell who is changing the workload.`, {
      cause,
      hints: ["Make sure that no agent of this machine is changing the workload, then delete the file."],
    });
  }
}

function fileOf(dir: string, number: number): string {
  return join(dir, `${PREFIX}${number}`);
}
