import { randomBytes } from "node:crypto";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { asDiskError } from "./disk/diskError.js";

export interface WriteDurablyOptions {
  /** Whether a file at the path is replaced; otherwise the call rejects with EEXIST, and that file stays. True by default. */
  readonly overwrite?: boolean;
}

/**
 * Replaces the file at `path` in one step, mode 0600: a reader sees the old bytes or the new ones, also after a crash, and
 * once this resolves the new ones are on the disk. Makes the folder if it is missing. Not write-file-atomic: that takes a
 * write which a full disk cut short for a whole one, and puts the torn file in place of the old one.
 *
 * @throws {@link DiskError} and the errors of node:fs; then nothing but the old file is left, unless only syncing the folder failed.
 */
export async function writeDurably(
  path: string,
  bytes: Uint8Array | string,
  { overwrite = true }: WriteDurablyOptions = {},
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    try {
      const file = await open(temporary, "wx", 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      if (overwrite) await rename(temporary, path);
      else await link(temporary, path);
    } finally {
      // The first error counts: a disk that took no write may remove no file either.
      await rm(temporary, { force: true }).catch(() => undefined);
    }
    await syncFolder(dirname(path));
  } catch (error) {
    throw asDiskError(path, error);
  }
}

/** Makes the names in a folder durable: a created, renamed or linked file survives a crash only after this. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder to sync it.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
