import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { chmod, lstat, open, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BundleFile } from "../../../../../records/index.js";
import { FleetError } from "../../../errors.js";
import { forEachAtOnce } from "./forEachAtOnce.js";
import type { BundleSourceFile } from "./source.js";

/** Files that are read or written at once: what one waits for, such as a sync, another uses. */
export const FILES_AT_ONCE = 16;
/** A file up to this size is read in one piece. */
const WHOLE_BYTES = 1024 * 1024;
/** A replica changes nothing of what was voted, not even by mistake. */
export const FOLDER_MODE = 0o555;
const FILE_MODE = 0o444;
const EXECUTABLE_MODE = 0o555;

/** What differs between a folder and the list of its files. */
export interface FolderDifference {
  /** Files that are missing, or have other bytes or another mode. */
  readonly changed: ReadonlySet<string>;
  /** What is in the folder and not in the list; of a folder only itself. */
  readonly extra: readonly string[];
}

/** Reads every file of a bundle's folder, and compares bytes, mode and names with the list. Follows no symbolic link. */
export async function compareFolder(dir: string, files: readonly BundleFile[]): Promise<FolderDifference> {
  const folders = new Set(files.flatMap(({ path }) => foldersOf(path)));
  const listed = new Set(files.map(({ path }) => path));
  const present = new Set<string>();
  const extra: string[] = [];
  async function look(folder: string): Promise<void> {
    for (const entry of await readdir(join(dir, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isFile() && listed.has(path)) present.add(path);
      else if (entry.isDirectory() && folders.has(path)) await look(path);
      else extra.push(path);
    }
  }
  await look("");
  const changed = new Set<string>();
  await forEachAtOnce(files, FILES_AT_ONCE, async (file) => {
    if (!present.has(file.path) || !(await isFile(join(dir, file.path), file))) changed.add(file.path);
  });
  return { changed, extra };
}

async function isFile(path: string, { bytes, isExecutable, sha256 }: BundleFile): Promise<boolean> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { mode, size } = await file.stat();
    if (size !== bytes || ((mode & 0o100) !== 0) !== isExecutable) return false;
    const digest = createHash("sha256");
    if (size <= WHOLE_BYTES) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size, 0);
      digest.update(buffer.subarray(0, bytesRead));
    } else for await (const chunk of file.createReadStream({ autoClose: false })) digest.update(chunk as Uint8Array);
    return `0x${digest.digest("hex")}` === sha256;
  } finally {
    await file.close();
  }
}

/** Writes a file of a bundle, which must not exist yet, and resolves once its bytes are on the disk. */
export async function writeBundleFile(path: string, source: BundleSourceFile): Promise<BundleFile> {
  const { bytes, isExecutable } = source;
  // Exclusive: a name that the file system takes for another one is refused, and no link is followed.
  const file = await open(path, "wx", isExecutable ? EXECUTABLE_MODE : FILE_MODE);
  const digest = createHash("sha256");
  let written = 0;
  try {
    for await (const chunk of source.read()) {
      written += chunk.length;
      if (written > bytes) break;
      digest.update(chunk);
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (written !== bytes)
    throw new FleetError("hash-mismatch", `The file ${source.path} of a bundle does not have its ${bytes} bytes.`);
  return { path: source.path, bytes, isExecutable, sha256: `0x${digest.digest("hex")}` };
}

/** Every folder that a path is in, the outermost first. */
export function foldersOf(path: string): string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join("/"));
}

/** Lets this process change what is in the folder of a path, for as long as `work` takes. */
export async function changingFolderOf<T>(path: string, work: () => Promise<T>): Promise<T> {
  const folder = dirname(path);
  await chmod(folder, 0o755);
  try {
    return await work();
  } finally {
    await chmod(folder, FOLDER_MODE);
  }
}

/** Removes a folder with all that is in it, also if its folders take no changes. Follows no symbolic link. */
export async function removeTree(path: string): Promise<void> {
  async function unlock(folder: string): Promise<void> {
    await chmod(folder, 0o700);
    for (const entry of await readdir(folder, { withFileTypes: true }))
      if (entry.isDirectory()) await unlock(join(folder, entry.name));
  }
  const found = await lstat(path).catch(absent);
  if (found?.isDirectory()) await unlock(path).catch(absent);
  await rm(path, { recursive: true, force: true });
}

/** Undefined for what is not there, or was removed by another process meanwhile. */
export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
