import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Clock } from "../../utils/clock.js";
import { asDiskError } from "../../utils/disk/diskError.js";
import { CatalogError } from "../errors.js";
import { APPLICATION_ID, fullTextTable, SCHEMA_VERSION, tables } from "./schema.js";

/** How long a write waits for a write of another process. */
const BUSY_TIMEOUT_MS = 5_000;
/** The pages in memory: they hold the upper levels of the indices over a million records. */
const CACHE_KIB = 32 * 1024;
/** Each checkpoint waits for the disk, so it comes only after 32 MB of log. */
const CHECKPOINT_PAGES = 8_000;
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
/** SQLITE_READONLY, SQLITE_IOERR and SQLITE_FULL. */
const SQLITE_DISK = [8, 10, 13];

export type Row = Record<string, unknown>;

/** One SQLite database: prepared statements by their text, transactions, and every failure as a {@link CatalogError}. */
export interface Database {
  readonly hasFullText: boolean;
  all<T = Row>(sql: string, ...values: SQLInputValue[]): T[];
  get<T = Row>(sql: string, ...values: SQLInputValue[]): T | undefined;
  /** Returns the number of rows that it changed. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** Prepares a statement that runs very often, so that it is looked up once. */
  prepare(sql: string): StatementSync;
  /** Writes all that `work` writes or nothing, also if the process ends in the middle. */
  transaction<T>(work: () => T): T;
  close(): void;
}

/**
 * Opens a catalog's file, or creates it.
 *
 * @throws {@link CatalogError} `no-sqlite`, `corrupt`, `foreign`, `outdated`, `busy`, `disk` or `storage`.
 */
export async function openDatabase(path: string): Promise<Database> {
  const { DatabaseSync: Sqlite } = await loadSqlite();
  if (path !== ":memory:") await mkdir(dirname(path), { recursive: true }).catch((error) => fail(path, error));
  let raw: DatabaseSync | undefined;
  try {
    raw = new Sqlite(path);
    raw.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    prepareFile(raw, path);
    // No commit waits for the disk: what a crash of the machine undoes is read again from the chain.
    raw.exec(`PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    raw.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`);
    return wrap(raw, path);
  } catch (error) {
    raw?.close();
    throw asCatalogError(path, error);
  }
}

/**
 * Deletes the catalog at `path`, so that a new one can be created there. Any other file is renamed instead of deleted; the
 * result is its new name.
 */
export async function removeDatabase(path: string, clock: Pick<Clock, "now">): Promise<string | undefined> {
  const exists = await stat(path).then(
    (found) => found.size > 0,
    () => false,
  );
  const isRemovable = !exists || (await isCatalog(path));
  const newName = isRemovable
    ? undefined
    : `${path}.replaced-${new Date(clock.now()).toISOString().replaceAll(":", "")}`;
  try {
    if (newName !== undefined) await rename(path, newName);
    for (const suffix of ["", "-wal", "-shm"]) await rm(`${path}${suffix}`, { force: true });
  } catch (error) {
    throw asCatalogError(path, error);
  }
  return newName;
}

async function isCatalog(path: string): Promise<boolean> {
  const { DatabaseSync: Sqlite } = await loadSqlite();
  let raw: DatabaseSync | undefined;
  try {
    raw = new Sqlite(path, { readOnly: true });
    return applicationIdOf(raw) === APPLICATION_ID;
  } catch (error) {
    // A file that is not readable as a database is not a catalog.
    if (error instanceof Error) return false;
    throw error;
  } finally {
    raw?.close();
  }
}

async function loadSqlite(): Promise<typeof import("node:sqlite")> {
  try {
    return await import("node:sqlite");
  } catch (cause) {
    throw new CatalogError("no-sqlite", `Node ${process.versions.node} has no SQLite of its own.`, {
      cause,
      hints: ["The catalog needs Node 22.13 or newer. All else works without it."],
    });
  }
}

function applicationIdOf(raw: DatabaseSync): unknown {
  return raw.prepare("PRAGMA application_id").get()?.application_id;
}

/** Checks that the file is a catalog of this version, or creates the tables in an empty file. */
function prepareFile(raw: DatabaseSync, path: string): void {
  const empty = raw.prepare("SELECT count(*) AS n FROM sqlite_master").get()?.n === 0;
  if (!empty && applicationIdOf(raw) !== APPLICATION_ID) {
    throw new CatalogError("foreign", `The file ${path} is a database, but no catalog.`);
  }
  if (!empty && raw.prepare("PRAGMA user_version").get()?.user_version !== SCHEMA_VERSION) {
    throw new CatalogError("outdated", `The catalog ${path} is of another version of Witan.`);
  }
  // With WAL readers do not wait for a writer, and a writer does not wait for readers.
  raw.exec("PRAGMA journal_mode = WAL");
  if (!empty) return;
  raw.exec("BEGIN IMMEDIATE");
  try {
    if (raw.prepare("SELECT count(*) AS n FROM sqlite_master").get()?.n === 0) {
      raw.exec(tables);
      if (canSearchText(raw)) raw.exec(fullTextTable);
      raw.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
    }
    raw.exec("COMMIT");
  } catch (error) {
    raw.exec("ROLLBACK");
    throw error;
  }
}

function canSearchText(raw: DatabaseSync): boolean {
  return raw.prepare("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").get() !== undefined;
}

function wrap(raw: DatabaseSync, path: string): Database {
  const statements = new Map<string, StatementSync>();
  let open = true;
  let depth = 0;
  const guard = <T>(work: () => T): T => {
    if (!open) throw new CatalogError("closed", `The catalog ${path} is closed.`);
    try {
      return work();
    } catch (error) {
      throw asCatalogError(path, error);
    }
  };
  const prepare = (sql: string) => {
    const known = statements.get(sql) ?? raw.prepare(sql);
    statements.set(sql, known);
    return known;
  };
  const hasFullText = raw.prepare("SELECT 1 FROM sqlite_master WHERE name = 'texts'").get() !== undefined;

  return {
    hasFullText,
    all: <T>(sql: string, ...values: SQLInputValue[]) => guard(() => prepare(sql).all(...values) as T[]),
    get: <T>(sql: string, ...values: SQLInputValue[]) => guard(() => prepare(sql).get(...values) as T | undefined),
    run: (sql, ...values) => guard(() => Number(prepare(sql).run(...values).changes)),
    prepare: (sql) => guard(() => prepare(sql)),
    transaction: (work) =>
      guard(() => {
        if (depth > 0) return work();
        raw.exec("BEGIN IMMEDIATE");
        depth += 1;
        try {
          const result = work();
          raw.exec("COMMIT");
          return result;
        } catch (error) {
          // Some failed commits have ended the transaction already.
          if (raw.isTransaction) raw.exec("ROLLBACK");
          throw error;
        } finally {
          depth -= 1;
        }
      }),
    close() {
      if (!open) return;
      open = false;
      statements.clear();
      raw.close();
    },
  };
}

function fail(path: string, error: unknown): never {
  throw asCatalogError(path, error);
}

/** Converts an error of SQLite or of the disk; returns every other error unchanged. */
function asCatalogError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CatalogError) return error;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  // Extended codes have the primary one in their low byte.
  const primary = typeof errcode === "number" ? errcode & 0xff : undefined;
  const options = { cause: error, details: error.message };
  if (primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB) {
    return new CatalogError("corrupt", `The catalog ${path} is damaged, or no database at all.`, options);
  }
  if (primary === SQLITE_BUSY) {
    return new CatalogError("busy", `Another process is writing to the catalog ${path}.`, options);
  }
  if ((primary !== undefined && SQLITE_DISK.includes(primary)) || asDiskError(path, error) !== error) {
    return new CatalogError("disk", `The catalog ${path} cannot be written to the disk.`, options);
  }
  if (code === "ERR_SQLITE_ERROR" || typeof (error as NodeJS.ErrnoException).syscall === "string") {
    return new CatalogError("storage", `The catalog ${path} cannot be used.`, options);
  }
  return error;
}
