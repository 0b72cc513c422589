import { mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import {
  type Bundle,
  type BundleFile,
  bundleHash,
  formatBundleListing,
  InvalidRecordError,
} from "../../../../../records/index.js";
import { asDiskError } from "../../../../../utils/disk/diskError.js";
import { syncFolder, writeDurably } from "../../../../../utils/durable.js";
import { FleetError } from "../../../errors.js";
import {
  changingFolderOf,
  FILES_AT_ONCE,
  FOLDER_MODE,
  type FolderDifference,
  foldersOf,
  removeTree,
  writeBundleFile,
} from "./files.js";
import { forEachAtOnce } from "./forEachAtOnce.js";
import type { BundleSource } from "./source.js";

/** In the folder of a release: its files, and the list of them. */
export const FILES_FOLDER = "files";
export const LISTING_FILE = "listing";

export interface UnpackParameters {
  readonly bundle: Bundle;
  readonly source: BundleSource;
  /** The folder to make; its name says that it is complete. */
  readonly into: string;
  /** A folder beside it that does not exist. */
  readonly temporary: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches a bundle and unpacks it into a folder that appears in one step, once every file and every name is on the disk and the
 * hash of their list is that of the bundle. Killed at any instant it leaves the temporary folder, which counts for nothing.
 *
 * @throws {FleetError} `hash-mismatch`; {@link DiskError}; what the source throws.
 */
export async function unpackBundle({ bundle, into, signal, source, temporary }: UnpackParameters): Promise<void> {
  try {
    const root = join(temporary, FILES_FOLDER);
    const folders = new Set<string>();
    const files: BundleFile[] = [];
    await mkdir(root, { recursive: true, mode: 0o755 });
    const tree = source.openTree(bundle.cid, {
      ...{ maxBytes: bundle.bytes, maxFiles: bundle.files },
      ...(signal === undefined ? {} : { signal }),
    });
    await forEachAtOnce(tree, FILES_AT_ONCE, async (file) => {
      signal?.throwIfAborted();
      const parents = foldersOf(file.path);
      const parent = parents.at(-1);
      if (parent !== undefined && !folders.has(parent))
        await mkdir(join(root, parent), { recursive: true, mode: 0o755 });
      for (const folder of parents) folders.add(folder);
      files.push(await writeBundleFile(join(root, file.path), file));
    });
    await writeDurably(join(temporary, LISTING_FILE), checkedListing(bundle, files));
    for (const folder of [...folders, ""]) await seal(join(root, folder));
    await syncFolder(temporary);
    await rename(temporary, into).catch((error: NodeJS.ErrnoException) => {
      // Another agent of the machine was faster, with the same bytes.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
    await syncFolder(join(into, ".."));
  } catch (error) {
    throw asUnpackError(into, error);
  } finally {
    // Nothing is there after success. The first error counts, and what is left is removed by the next unpacking.
    await removeTree(temporary).catch(() => undefined);
  }
}

export interface RepairParameters {
  readonly bundle: Bundle;
  readonly source: BundleSource;
  readonly files: readonly BundleFile[];
  readonly difference: FolderDifference;
  /** The bundle's folder. */
  readonly dir: string;
  /** A path for a file beside it that does not exist. */
  readonly temporary: (number: number) => string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts a changed folder right, file by file, since replicas may run in it: removes what is not of the bundle, and fetches what is
 * missing or has other bytes.
 *
 * @throws as {@link unpackBundle}.
 */
export async function repairFolder(parameters: RepairParameters): Promise<void> {
  const { bundle, difference, dir, files, signal, source, temporary } = parameters;
  const root = join(dir, FILES_FOLDER);
  const listed = new Map(files.map((file) => [file.path, file]));
  let number = 0;
  try {
    for (const path of difference.extra) await changingFolderOf(join(root, path), () => removeTree(join(root, path)));
    if (difference.changed.size === 0) return;
    const tree = source.openTree(bundle.cid, {
      ...{ maxBytes: bundle.bytes, maxFiles: bundle.files },
      only: (path) => difference.changed.has(path),
      ...(signal === undefined ? {} : { signal }),
    });
    await forEachAtOnce(tree, 1, async (file) => {
      signal?.throwIfAborted();
      const beside = temporary(number++);
      try {
        const written = await writeBundleFile(beside, file);
        if (written.sha256 !== listed.get(file.path)?.sha256) throw otherThanDeclared(bundle, file.path);
        for (const folder of foldersOf(file.path)) {
          const path = join(root, folder);
          await changingFolderOf(path, () => mkdir(path, { recursive: true, mode: FOLDER_MODE }));
        }
        const path = join(root, file.path);
        await changingFolderOf(path, () => rename(beside, path));
        await syncFolder(join(path, ".."));
      } finally {
        await removeTree(beside);
      }
    });
  } catch (error) {
    throw asUnpackError(dir, error);
  }
}

/** The list of the files that were written. @throws {FleetError} `hash-mismatch` if it is not the bundle's. */
function checkedListing(bundle: Bundle, files: readonly BundleFile[]): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (files.length !== bundle.files || bytes !== bundle.bytes) {
    const message = `The bundle ${bundle.cid} has ${files.length} files of ${bytes} bytes, and not ${bundle.files} of ${bundle.bytes}.`;
    throw new FleetError("hash-mismatch", message);
  }
  const listing = formatBundleListing(files);
  if (bundleHash(listing) === bundle.sha256) return listing;
  throw otherThanDeclared(bundle, "list");
}

function otherThanDeclared(bundle: Bundle, what: string): FleetError {
  return new FleetError("hash-mismatch", `The bundle ${bundle.cid} does not have the ${what} that was voted for.`, {
    hints: ["Nothing was started. Its publisher signed another hash than that of these files."],
  });
}

/** Makes a folder's names durable, and takes no changes any more. */
async function seal(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.chmod(FOLDER_MODE);
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A name that the file system cannot hold, or takes for another, is the publisher's mistake: no attempt mends it. */
function asUnpackError(path: string, error: unknown): unknown {
  if (error instanceof InvalidRecordError) return new FleetError("hash-mismatch", error.shortMessage, { cause: error });
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EEXIST" || code === "ENAMETOOLONG" || code === "EILSEQ" || code === "ENOTDIR" || code === "EISDIR") {
    return new FleetError("not-startable", `This machine's file system cannot hold the names of a bundle in ${path}.`, {
      cause: error,
    });
  }
  return asDiskError(path, error);
}
