import { asDiskError } from "../../utils/disk/diskError.js";
import { CatalogError } from "../errors.js";

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
/** SQLITE_READONLY, SQLITE_IOERR and SQLITE_FULL. */
const SQLITE_DISK = [8, 10, 13];

/** SQLite's own code: extended codes have the primary one in their low byte. */
function primaryCodeOf(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : undefined;
}

/** Converts an error of SQLite or of the disk; returns every other error unchanged. */
export function asCatalogError(place: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CatalogError) return error;
  const { code } = error as { code?: unknown };
  const primary = primaryCodeOf(error);
  const options = { cause: error, details: error.message };
  if (primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB) {
    return new CatalogError("corrupt", sentence(`${place} is damaged, or no database at all.`), options);
  }
  if (primary === SQLITE_BUSY) {
    return new CatalogError("busy", `Another process is writing to ${place}.`, options);
  }
  if ((primary !== undefined && SQLITE_DISK.includes(primary)) || asDiskError(place, error) !== error) {
    return new CatalogError("disk", sentence(`${place} cannot be written to the disk.`), options);
  }
  if (code === "ERR_SQLITE_ERROR" || typeof (error as NodeJS.ErrnoException).syscall === "string") {
    return new CatalogError("storage", sentence(`${place} cannot be used.`), options);
  }
  return error;
}

export function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
