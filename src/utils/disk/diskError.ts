import { BaseError } from "../../errors.js";

/**
 * - `full`: there is no room: no free blocks or inodes, a quota, or a limit on the size of files.
 * - `read-only`: the file system takes no writes, such as after Linux has found an error in it.
 * - `missing`: the folder is not there: it was removed, or its disk is not mounted.
 * - `denied`: this user may not write there, such as after a restore or a command by another user.
 * - `failed`: the device does not do as it is told (EIO), or is gone.
 */
export type DiskErrorKind = "full" | "read-only" | "missing" | "denied" | "failed";

const kinds: Readonly<Record<string, DiskErrorKind>> = {
  ENOSPC: "full",
  EDQUOT: "full",
  EFBIG: "full",
  EROFS: "read-only",
  ENOENT: "missing",
  EACCES: "denied",
  EPERM: "denied",
  EIO: "failed",
  ENODEV: "failed",
  ENXIO: "failed",
  ESTALE: "failed",
};

const said: Readonly<Record<DiskErrorKind, string>> = {
  full: "there is no room on the disk",
  "read-only": "the file system is read-only",
  missing: "its folder is missing",
  denied: "this user may not write it",
  failed: "the disk failed",
};

/** A file could not be written. What was acknowledged before is not affected; the same write may succeed later. */
export class DiskError extends BaseError {
  readonly kind: DiskErrorKind;

  constructor(kind: DiskErrorKind, shortMessage: string, cause?: unknown) {
    const details = cause instanceof Error ? { cause, details: cause.message } : {};
    super(`disk-${kind}`, shortMessage, { ...details, retryable: true });
    this.kind = kind;
  }
}

/** How engines, which have no codes for them, say the same. */
const WORDS = new RegExp(
  [
    "no space left|quota exceeded|file too large|read-only file system|input/output error|disk i/o error",
    "no such device|stale file handle",
    "readonly database|database or disk is full|^IO error.*permission denied",
  ].join("|"),
  "i",
);

/** Whether an error that stores or journals threw, or one that caused it, is one of the disk. */
export function isDiskFault(error: unknown): boolean {
  if (error instanceof BaseError && !/^(disk-|content-|catalog-disk$)/.test(error.code)) return false;
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof DiskError || WORDS.test(each.message)) return true;
    const kind = kinds[(each as NodeJS.ErrnoException).code ?? ""];
    // A port may be denied too, and has no path.
    if (kind !== undefined && kind !== "missing" && (kind !== "denied" || "path" in each)) return true;
  }
  return false;
}

/** What the operating system says of the disk, as a {@link DiskError} that names the file; every other error unchanged. */
export function asDiskError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof BaseError) return error;
  const kind = kinds[(error as NodeJS.ErrnoException).code ?? ""];
  return kind === undefined ? error : new DiskError(kind, `${path} cannot be written: ${said[kind]}.`, error);
}
