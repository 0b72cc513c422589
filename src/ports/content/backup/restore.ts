import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { codecOfCid } from "../../../records/index.js";
import { writeDurably } from "../../../utils/durable.js";
import type { ContentStore } from "../content.js";
import type { ContentMaintenance, LostBlock } from "../maintenance.js";
import { BackupError, type BackupFile, checkSeal, readBackupFile } from "./backupFile.js";
import { type NamedBlock, readCar } from "./car.js";
import { checkPart } from "./parts.js";
import { readRoots } from "./pinsFile.js";

/** Blocks and roots that are written at once, as a store takes them: one fsync serves them all. */
const AT_ONCE = 256;
const AT_ONCE_BYTES = 8 * 1024 * 1024;

export interface CheckedBackup {
  readonly subject: BackupFile["subject"];
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly parts: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly roots: number;
  readonly files: number;
}

/**
 * Reads all of a backup and checks it: each file against the hash it was written with, each block against its own.
 *
 * @throws {BackupError} `missing` or `damaged`; the file is named.
 */
export async function checkBackup(dir: string, onProgress?: (blocks: number) => void): Promise<CheckedBackup> {
  const backup = await existing(dir);
  for (const sealed of [backup.roots, ...backup.files]) await checkSeal(dir, sealed);
  let blocks = 0;
  for (const part of backup.parts) {
    await checkPart(dir, part, () => {
      blocks += 1;
      onProgress?.(blocks);
    });
  }
  return { ...summaryOf(backup), blocks };
}

export interface RestoreParameters {
  /** Where the blocks and roots go; what is there stays. */
  readonly store: Pick<ContentStore, "put" | "has"> & Pick<ContentMaintenance, "pins" | "needed">;
  /** The folder of the backup. */
  readonly dir: string;
  /** The data folder, where the journals go. */
  readonly dataDir: string;
  /** Whose the data folder is. */
  readonly subject: BackupFile["subject"];
  readonly onProgress?: (blocks: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface Restored extends CheckedBackup {
  /** Needed by roots and in no part of the backup. */
  readonly lost: readonly LostBlock[];
}

/**
 * Brings a backup back: blocks, each checked against its hash, then roots, then journals. It may be called again after it
 * was killed, and goes on. Journals are put where there are none, and never over others.
 *
 * @throws {BackupError} `missing`, `damaged`, `other` where the backup is another node's, `occupied` where the data folder
 * holds a journal of its own: nothing was written then.
 */
export async function restoreBackup(parameters: RestoreParameters): Promise<Restored> {
  const { dir, dataDir, onProgress, signal, store, subject } = parameters;
  const backup = await existing(dir);
  if (!isDeepStrictEqual(backup.subject, subject)) {
    throw new BackupError("other", `The backup in ${dir} is that of ${backup.subject.name}, of another node or DAO.`);
  }
  for (const sealed of [...backup.parts, backup.roots, ...backup.files]) await checkSeal(dir, sealed);
  const journals = await journalsOf(dir, dataDir, backup.files);

  let blocks = 0;
  const write = async ({ cid, bytes }: NamedBlock) => {
    await store.put(bytes, { codec: codecOfCid(cid.toString()) });
    blocks += 1;
    onProgress?.(blocks);
  };
  for (const { file } of backup.parts) {
    await inGroups(readCar(dir, file), { write, bytesOf: ({ bytes }) => bytes.length, signal });
  }
  await inGroups(readRoots(dir, backup.roots.file), { write: store.pins.set, bytesOf: () => 0, signal });
  for (const { path, bytes } of journals) await writeDurably(path, bytes);

  const lost: LostBlock[] = [];
  for await (const { cid, root } of store.needed()) if (!(await store.has(cid))) lost.push({ cid, roots: [root] });
  return { ...summaryOf(backup), blocks, lost };
}

interface GroupOptions<T> {
  readonly write: (item: T) => Promise<void>;
  readonly bytesOf: (item: T) => number;
  readonly signal: AbortSignal | undefined;
}

async function existing(dir: string): Promise<BackupFile> {
  const backup = await readBackupFile(dir);
  if (backup === undefined) throw new BackupError("missing", `There is no backup in ${dir}.`);
  return backup;
}

/** Writes what comes a group at a time: the writes of one share their fsync, and no more than one is in memory. */
async function inGroups<T>(items: AsyncIterable<T>, { write, bytesOf, signal }: GroupOptions<T>): Promise<void> {
  let group: T[] = [];
  let bytes = 0;
  for await (const item of items) {
    signal?.throwIfAborted();
    group.push(item);
    bytes += bytesOf(item);
    if (group.length < AT_ONCE && bytes < AT_ONCE_BYTES) continue;
    await Promise.all(group.map(write));
    [group, bytes] = [[], 0];
  }
  await Promise.all(group.map(write));
}

/** What is to be written; those that are there already, the same, are left out. */
async function journalsOf(dir: string, dataDir: string, files: BackupFile["files"]) {
  const journals: { readonly path: string; readonly bytes: Uint8Array }[] = [];
  for (const { file, path } of files) {
    const bytes = await readFile(join(dir, file));
    const target = join(dataDir, path);
    const there = await readFile(target).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (there === undefined || there.length === 0) journals.push({ path: target, bytes });
    else if (Buffer.compare(there, bytes) !== 0) {
      throw new BackupError("occupied", `${target} is there already and is another: move it away to restore this one.`);
    }
  }
  return journals;
}

function summaryOf({ subject, time, parts, roots, files }: BackupFile): CheckedBackup {
  return {
    subject,
    time,
    parts: parts.length,
    blocks: parts.reduce((sum, part) => sum + part.blocks, 0),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    roots: roots.count,
    files: files.length,
  };
}
