import { copyFile, link, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Level } from "level";
import { syncFolder } from "../../../../utils/durable.js";
import { codeOf } from "../storeErrors.js";
import { AcknowledgedWrites } from "./acknowledgedWrites.js";
import { BlockDatabase, isHeldHere, LOCKED } from "./blockDatabase.js";
import type { Remembered } from "./change.js";
import { type DatabaseState, inspectDatabase, namesIn } from "./inspect.js";
import { openingBytes, tryToWrite } from "./trial.js";

/** The static methods that the engine has in Node, and that the types of `level`, which are for browsers too, leave out. */
const engine = Level as unknown as { repair(location: string): Promise<void> };

/** In the engine's report of a repair: a log that it could not convert. */
const IGNORED = /ignoring conversion error/;
/** Where the engine moves what it could not read, or needs no longer. */
const ENGINE_LOST = "lost";

/** What a repair of the database found. Which blocks are missing, only what names them can tell: pins, and then a scrub. */
export interface DatabaseRepair {
  readonly reason: string;
  /** Tables of which some or all entries are lost. */
  readonly lostTables: readonly string[];
  /** Keys that were put by the last writes and are lost; undefined if none is known to be. */
  readonly lostKeys?: readonly string[];
}

/**
 * Rebuilds a database from its tables and logs, all that is whole in them, beside the damaged one, and puts it in its place once
 * it is complete: after a kill at any instant the next opening does it again, or finds it done. Tables that could not be
 * read entirely go into `quarantine`.
 *
 * Entries that were removed may be back: their removal may have been in what was lost. Nobody else may hold the database.
 */
export async function repairDatabase(
  path: string,
  damage: Extract<DatabaseState, { kind: "damaged" }>,
  quarantine: string,
): Promise<DatabaseRepair> {
  const { building, built, before } = places(path);
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true, mode: 0o700 });
  for (const name of await readdir(path)) {
    if (/^(\d+\.(ldb|sst|log)|MANIFEST-\d+)$/.test(name)) await linkOrCopy(join(path, name), join(building, name));
  }
  // The engine drops a log that it has no space to sort, and goes on.
  await tryToWrite(path, (await openingBytes(path)) + (await largestTable(path)));
  await engine.repair(building);
  if (IGNORED.test(await readFile(join(building, "LOG"), "latin1"))) throw new Error("the log could not be sorted");
  const lostTables = new Set(damage.tables);
  const unread = (await namesIn(join(building, ENGINE_LOST))).filter((name) => /\.(ldb|sst)$/.test(name));
  for (const name of unread) lostTables.add(name);

  // The engine puts all tables on one level, where it takes the newest file for the newest entry; sorting asks the entries.
  const rebuilt = new BlockDatabase(building);
  try {
    await rebuilt.open({ create: true });
    await rebuilt.compact();
  } finally {
    await rebuilt.close();
  }
  await mkdir(quarantine, { recursive: true, mode: 0o700 });
  for (const name of unread) await rename(join(building, ENGINE_LOST, name), join(quarantine, name));
  await rm(join(building, ENGINE_LOST), { recursive: true, force: true });
  await syncFolder(building);
  await rename(building, built);
  await rename(path, before);
  await finishRepair(path);
  return { reason: damage.reason, lostTables: [...lostTables].sort() };
}

/** Completes a repair that a crash interrupted after the rebuilt database was complete. */
export async function finishRepair(path: string): Promise<void> {
  const { built, before } = places(path);
  const beside = await namesIn(join(path, ".."));
  if (beside.includes(basename(built))) {
    if (beside.includes(basename(path))) await rename(path, before);
    await rename(built, path);
    await syncFolder(join(path, ".."));
  }
  await rm(before, { recursive: true, force: true });
}

/** Whether another process, or another store of this one, holds the database. Changes nothing in it. */
export async function isHeld(path: string): Promise<boolean> {
  if (await isHeldHere(path)) return true;
  const db = new Level(path);
  try {
    // Fails in any case: what exists is refused, and what does not exist is not made. But the lock is taken before.
    await db.open({ createIfMissing: false, errorIfExists: true } as object);
  } catch (error) {
    return error instanceof Error && codeOf(error.cause) === LOCKED;
  } finally {
    await db.close();
  }
  return false;
}

export interface OpenDatabaseOptions {
  readonly quarantine: string;
  /** Whether a store may be made here: false if other parts of one exist. */
  readonly isNew: boolean;
  /** What is noted beside the database of a change of a key, so that it is known if the database loses it. */
  readonly remember: (key: string) => Remembered;
}

interface OpenedDatabase {
  readonly db: BlockDatabase;
  readonly repair: DatabaseRepair | undefined;
}

/**
 * Opens a database; makes a new one in an empty folder, and repairs a damaged one first. What it has lost of its last writes is
 * written again as far as it was noted, and named otherwise.
 */
export async function openDatabase(path: string, options: OpenDatabaseOptions): Promise<OpenedDatabase> {
  const acknowledged = new AcknowledgedWrites(path, options.remember);
  const { db, repair } = await openWhole(path, options, acknowledged);
  try {
    const lost = await acknowledged.lostSince(await db.writesHeld());
    if (lost === undefined) {
      await acknowledged.begin();
      return { db, repair };
    }
    const lostKeys: string[] = [];
    for (const key of lost.keys) if (!(await db.has(key))) lostKeys.push(key);
    await db.batch(lost.changes);
    const reason = repair?.reason ?? `its last ${lost.writes} writes are missing: a log was cut short`;
    const named = lostKeys.length > 0 ? { lostKeys } : {};
    return { db, repair: { reason, lostTables: repair?.lostTables ?? [], ...named } };
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function openWhole(
  path: string,
  { isNew, quarantine }: OpenDatabaseOptions,
  acknowledged: AcknowledgedWrites,
): Promise<OpenedDatabase> {
  if (await isHeldHere(path)) throw Object.assign(new Error(`${path} is locked`), { code: LOCKED });
  await finishRepair(path);
  const state = await inspectDatabase(path);
  // A database that is being written may look damaged.
  if (state.kind === "damaged" && (await isHeld(path))) {
    throw Object.assign(new Error(`${path} is locked`), { code: LOCKED });
  }
  let repair = state.kind === "damaged" ? await repairDatabase(path, state, quarantine) : undefined;
  if (state.kind === "none" && !isNew) repair = { reason: "the whole database is missing", lostTables: [] };
  const db = new BlockDatabase(path, acknowledged);
  try {
    await db.open({ create: state.kind === "none" });
    return { db, repair };
  } catch (error) {
    await db.close();
    const cause = error instanceof Error ? error.cause : undefined;
    if (repair !== undefined || codeOf(cause) !== "LEVEL_CORRUPTION") throw error;
    const reason = cause instanceof Error ? cause.message : "it is corrupt";
    repair = await repairDatabase(path, { kind: "damaged", reason, tables: [] }, quarantine);
    await db.open({ create: false });
    return { db, repair };
  }
}

async function largestTable(path: string): Promise<number> {
  let largest = 0;
  for (const name of await readdir(path)) {
    if (/\.(ldb|sst)$/.test(name)) largest = Math.max(largest, (await stat(join(path, name))).size);
  }
  return largest;
}

function places(path: string) {
  return { building: `${path}.building`, built: `${path}.built`, before: `${path}.before` };
}

/** Linked where the file system can: the engine changes no table or log that it finds. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "EXDEV", "EMLINK"].includes(codeOf(error) ?? "")) throw error;
    await copyFile(from, to);
  }
}
