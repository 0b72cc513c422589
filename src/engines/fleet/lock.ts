import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeDurably } from "../../utils/durable.js";
import { FleetError } from "./errors.js";
import { type InstanceId, ownInstanceId, readInstance } from "./proc.js";

const PREFIX = "lock.";
/** Losing the race for a lock is decided in microseconds; more often than this it is somebody else's. */
const ATTEMPTS = 3;

interface Holder {
  /** null: released. */
  readonly owner: InstanceId | null;
}

/** A lock that is held. */
export interface FleetLock {
  release(): Promise<void>;
}

/**
 * Takes the fleet's lock for this process, so that one executor acts at a time.
 *
 * Each holding is a file of its own, `lock.1`, `lock.2`, ..., made by link(2): it appears whole or not at all, and once.
 * The highest is the lock; it is free once released or once its owner is dead, as /proc tells. The file of a
 * dead owner is never removed to take its place, only overtaken, so that two that find it stale cannot both win.
 *
 * @throws {FleetError} `busy` while a living process holds it.
 */
export async function acquireLock(dir: string): Promise<FleetLock> {
  await mkdir(dir, { recursive: true });
  const owner = await ownInstanceId();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const highest = await highestNumber(dir);
    const holder = highest === 0 ? undefined : await readHolder(dir, highest);
    if (holder?.owner && (await readInstance(holder.owner))) {
      throw new FleetError("busy", `Process ${holder.owner} is at work on the fleet in ${dir}.`, {
        hints: ["Try again when it has finished; its lock ends with it."],
      });
    }
    const number = highest + 1;
    if (await claim(dir, number, owner)) {
      await removeUpTo(dir, number - 1);
      return { release: () => writeDurably(fileOf(dir, number), JSON.stringify({ owner: null } satisfies Holder)) };
    }
  }
  throw new FleetError("busy", `Others are taking the lock of the fleet in ${dir}.`);
}

/** The process that holds the lock now; null where nobody does. */
export async function lockOwner(dir: string): Promise<InstanceId | null> {
  const highest = await highestNumber(dir);
  const holder = highest === 0 ? undefined : await readHolder(dir, highest);
  return holder?.owner && (await readInstance(holder.owner)) ? holder.owner : null;
}

async function claim(dir: string, number: number, owner: InstanceId): Promise<boolean> {
  const temporary = join(dir, `claim.${randomBytes(6).toString("hex")}.tmp`);
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(JSON.stringify({ owner } satisfies Holder));
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
  // A number below the highest may be claimed by one who looked long ago: it holds nothing.
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

async function readHolder(dir: string, number: number): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(dir, number), "utf8")) as Holder;
  } catch (error) {
    // Overtaken between the listing and the reading.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function fileOf(dir: string, number: number): string {
  return join(dir, `${PREFIX}${number}`);
}
