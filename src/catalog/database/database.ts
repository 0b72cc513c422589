import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Clock } from "../../utils/clock.js";
import { CatalogError } from "../errors.js";
import { APPLICATION_ID, fullTextTable, SCHEMA_VERSION, tables } from "./schema.js";
import { asCatalogError, sentence } from "./sqliteErrors.js";

/** How long a write waits for a write of another process. */
const BUSY_TIMEOUT_MS = 5_000;
/** The pages of a catalog in memory: they hold the upper levels of the indices over a million records. */
const CACHE_KIB = 32 * 1024;
/** Each checkpoint waits for the disk, so it comes only after 32 MB of log. */
const CHECKPOINT_PAGES = 8_000;
/** Free pages that stay in a file for what is written next: of 4 KB each, so 4 MB. */
const SPARE_PAGES = 1_024;
/** In `PRAGMA auto_vacuum`: free pages can be given back to the disk, some at a time. */
const INCREMENTAL = 2;

export type Row = Record<string, unknown>;

/** What a file is for, and its tables. */
export interface DatabaseKind {
  /** As errors name it, with its article. */
  readonly name: string;
  /** Marks the file in SQLite's own header. */
  readonly applicationId: number;
  /** A file of another version is built anew, never converted. */
  readonly version: number;
  readonly tables: string;
  /** A table for full text, created if this SQLite has FTS5. */
  readonly fullTextTable?: string;
  /** The most memory that its pages take. */
  readonly cacheKib: number;
}

const CATALOG: DatabaseKind = {
  name: "the catalog",
  applicationId: APPLICATION_ID,
  version: SCHEMA_VERSION,
  tables,
  fullTextTable,
  cacheKib: CACHE_KIB,
};

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
  /** Gives pages that were freed back to the disk, at most so many, but for a few that are used next. Returns how many it gave back. */
  shrink(maxPages: number): number;
  close(): void;
}

/**
 * Opens a file, a catalog's by default, or creates it.
 *
 * @throws {@link CatalogError} `no-sqlite`, `corrupt`, `foreign`, `outdated`, `busy`, `disk` or `storage`.
 */
export async function openDatabase(path: string, kind: DatabaseKind = CATALOG): Promise<Database> {
  const { DatabaseSync: Sqlite } = await loadSqlite();
  const place = `${kind.name} ${path}`;
  if (path !== ":memory:") await mkdir(dirname(path), { recursive: true }).catch((error) => fail(place, error));
  let raw: DatabaseSync | undefined;
  try {
    raw = new Sqlite(path);
    raw.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    prepareFile(raw, path, kind);
    // No commit waits for the disk: what a crash of the machine undoes is read again from the chain.
    raw.exec(`PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    raw.exec(`PRAGMA cache_size = -${kind.cacheKib}; PRAGMA temp_store = MEMORY`);
    return wrap(raw, place);
  } catch (error) {
    raw?.close();
    throw asCatalogError(place, error);
  }
}

/**
 * Deletes the database of this kind at `path`, so that a new one can be created there. Any other file is renamed instead of deleted; the
 * result is its new name.
 */
export async function removeDatabase(
  path: string,
  clock: Pick<Clock, "now">,
  kind: DatabaseKind = CATALOG,
): Promise<string | undefined> {
  const exists = await stat(path).then(
    (found) => found.size > 0,
    () => false,
  );
  const isRemovable = !exists || (await isOfKind(path, kind));
  const newName = isRemovable
    ? undefined
    : `${path}.replaced-${new Date(clock.now()).toISOString().replaceAll(":", "")}`;
  try {
    if (newName !== undefined) await rename(path, newName);
    for (const suffix of ["", "-wal", "-shm"]) await rm(`${path}${suffix}`, { force: true });
  } catch (error) {
    throw asCatalogError(`${kind.name} ${path}`, error);
  }
  return newName;
}

async function isOfKind(path: string, { applicationId }: DatabaseKind): Promise<boolean> {
  const { DatabaseSync: Sqlite } = await loadSqlite();
  let raw: DatabaseSync | undefined;
  try {
    raw = new Sqlite(path, { readOnly: true });
    return applicationIdOf(raw) === applicationId;
  } catch (error) {
    // A file that is not readable as a database is of no kind.
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
      hints: ["The catalog and an agent need Node 22.13 or newer. All else works without it."],
    });
  }
}

function applicationIdOf(raw: DatabaseSync): unknown {
  return raw.prepare("PRAGMA application_id").get()?.application_id;
}

/** Checks that the file is of this kind and version, or creates the tables in an empty file. */
function prepareFile(raw: DatabaseSync, path: string, kind: DatabaseKind): void {
  const { applicationId, fullTextTable: texts, name, version } = kind;
  const empty = raw.prepare("SELECT count(*) AS n FROM sqlite_master").get()?.n === 0;
  if (!empty && applicationIdOf(raw) !== applicationId) {
    throw new CatalogError("foreign", `The file ${path} is a database, but not ${name}.`);
  }
  if (!empty && raw.prepare("PRAGMA user_version").get()?.user_version !== version) {
    throw new CatalogError("outdated", sentence(`${name} ${path} is of another version of Witan.`));
  }
  if (empty) raw.exec(`PRAGMA auto_vacuum = ${INCREMENTAL}`);
  // With WAL readers do not wait for a writer, and a writer does not wait for readers.
  raw.exec("PRAGMA journal_mode = WAL");
  if (!empty) {
    makeShrinkable(raw);
    return;
  }
  raw.exec("BEGIN IMMEDIATE");
  try {
    if (raw.prepare("SELECT count(*) AS n FROM sqlite_master").get()?.n === 0) {
      raw.exec(kind.tables);
      if (texts !== undefined && canSearchText(raw)) raw.exec(texts);
      raw.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`);
    }
    raw.exec("COMMIT");
  } catch (error) {
    raw.exec("ROLLBACK");
    throw error;
  }
}

/** Rewrites a file of an earlier version, once. If that fails, such as for want of room, the file is used as it is. */
function makeShrinkable(raw: DatabaseSync): void {
  if (numberOf(raw, "auto_vacuum") === INCREMENTAL) return;
  try {
    raw.exec(`PRAGMA auto_vacuum = ${INCREMENTAL}; VACUUM`);
  } catch (error) {
    const converted = asCatalogError("the file", error);
    if (!(converted instanceof CatalogError) || !converted.retryable) throw error;
  }
}

/** The value of a pragma. */
function numberOf(raw: DatabaseSync, pragma: string): number {
  return Number(Object.values(raw.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
}

function canSearchText(raw: DatabaseSync): boolean {
  return raw.prepare("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").get() !== undefined;
}

function wrap(raw: DatabaseSync, place: string): Database {
  const statements = new Map<string, StatementSync>();
  let open = true;
  let depth = 0;
  const guard = <T>(work: () => T): T => {
    if (!open) throw new CatalogError("closed", sentence(`${place} is closed.`));
    try {
      return work();
    } catch (error) {
      throw asCatalogError(place, error);
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
    shrink: (maxPages) =>
      guard(() => {
        const free = numberOf(raw, "freelist_count");
        const pages = Math.min(maxPages, free - SPARE_PAGES);
        if (pages <= 0 || numberOf(raw, "auto_vacuum") !== INCREMENTAL) return 0;
        raw.exec(`PRAGMA incremental_vacuum(${pages})`);
        return free - numberOf(raw, "freelist_count");
      }),
    close() {
      if (!open) return;
      open = false;
      statements.clear();
      raw.close();
    },
  };
}

function fail(place: string, error: unknown): never {
  throw asCatalogError(place, error);
}
