import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { codecOfCid } from "../../../records/index.js";
import { writeDurably } from "../../../utils/durable.js";
import type { ContentStore } from "../content.js";
import type { ContentMaintenance, LostBlock } from "../maintenance.js";
import {
  BackupError,
  type BackupFile,
  type BackupGeneration,
  type BackupPart,
  checkSeal,
  readBackupFile,
} from "./backupFile.js";
import { type NamedBlock, readCar } from "./car.js";
import { generationsOf } from "./generations.js";
import { checkPart } from "./parts.js";
import { readPins } from "./pinsFile.js";

/** Blocks and pins written at once: they share the fsync of the store. */
const AT_ONCE = 256;
const AT_ONCE_BYTES = 8 * 1024 * 1024;

export interface CheckedBackup {
  readonly subject: BackupFile["subject"];
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly parts: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly pins: number;
  readonly files: number;
  /** When the generations of the backup were made, the newest first, in milliseconds since 1970. */
  readonly generations: readonly number[];
}

/**
 * Reads all of a backup, earlier generations included, and checks it: each file against the hash it was written with, each block against its own.
 *
 * @throws {BackupError} `missing` or `damaged`; the file is named.
 */
export async function checkBackup(dir: string, onProgress?: (blocks: number) => void): Promise<CheckedBackup> {
  const backup = await existing(dir);
  const generations = generationsOf(backup);
  for (const { files, pins } of generations) for (const sealed of [pins, ...files]) await checkSeal(dir, sealed);
  let blocks = 0;
  for (const part of [...backup.parts, ...backup.earlierParts]) {
    await checkPart(dir, part, () => {
      blocks += 1;
      onProgress?.(blocks);
    });
  }
  return summaryOf(backup, generations[0] as BackupGeneration);
}

export interface RestoreParameters {
  /** The store to restore to; what is in it stays. */
  readonly store: Pick<ContentStore, "put" | "has"> & Pick<ContentMaintenance, "pins" | "needed">;
  /** The folder of the backup. */
  readonly dir: string;
  /** The data folder, for the journals. */
  readonly dataDir: string;
  /** The node and DAO of the data folder. */
  readonly subject: BackupFile["subject"];
  /** Restores the newest generation that is not younger, in milliseconds since 1970; the newest by default. */
  readonly at?: number | undefined;
  /** Awaited once all is checked, before anything is written. */
  readonly onBegin?: () => Promise<void>;
  readonly onProgress?: (blocks: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface Restored extends CheckedBackup {
  /** Needed by pins and in no part of the backup. */
  readonly lost: readonly LostBlock[];
}

/**
 * Restores a backup: blocks, each checked against its hash, then pins, then journals. Killed at any instant, it can be called
 * again. It never overwrites a journal.
 *
 * @throws {BackupError} `missing` also if no generation is that old, `damaged`, `other` if the backup is another node's, `occupied` if the data folder holds a
 * different journal. Nothing is written then.
 */
export async function restoreBackup(parameters: RestoreParameters): Promise<Restored> {
  const { at = Number.POSITIVE_INFINITY, dir, dataDir, onBegin, onProgress, signal, store, subject } = parameters;
  const backup = await existing(dir);
  if (!isDeepStrictEqual(backup.subject, subject)) {
    throw new BackupError("other", `The backup in ${dir} is that of ${backup.subject.name}, of another node or DAO.`);
  }
  const generation = generationsOf(backup).find(({ time }) => time <= at);
  if (generation === undefined)
    throw new BackupError("missing", `No generation in ${dir} is as old as ${new Date(at).toISOString()}.`);
  const parts = partsOf(backup, generation);
  for (const sealed of [...parts, generation.pins, ...generation.files]) await checkSeal(dir, sealed);
  const journals = await journalsOf(dir, dataDir, generation.files);
  await onBegin?.();

  let blocks = 0;
  const write = async ({ cid, bytes }: NamedBlock) => {
    await store.put(bytes, { codec: codecOfCid(cid.toString()) });
    blocks += 1;
    onProgress?.(blocks);
  };
  for (const { file } of parts) {
    await inGroups(readCar(dir, file), { write, bytesOf: ({ bytes }) => bytes.length, signal });
  }
  await inGroups(readPins(dir, generation.pins.file), { write: store.pins.set, bytesOf: () => 0, signal });
  for (const { path, bytes } of journals) await writeDurably(path, bytes);

  const lost: LostBlock[] = [];
  for await (const { cid, pin } of store.needed()) if (!(await store.has(cid))) lost.push({ cid, pins: [pin] });
  return { ...summaryOf(backup, generation), blocks, lost };
}

interface GroupParameters<T> {
  readonly write: (item: T) => Promise<void>;
  readonly bytesOf: (item: T) => number;
  readonly signal: AbortSignal | undefined;
}

/** The backup in a folder. @throws {BackupError} `missing` or `damaged`. */
export async function existing(dir: string): Promise<BackupFile> {
  const backup = await readBackupFile(dir);
  if (backup === undefined) throw new BackupError("missing", `There is no backup in ${dir}.`);
  return backup;
}

/** Writes items a group at a time: a group shares an fsync, and only one group is in memory. */
export async function inGroups<T>(
  items: AsyncIterable<T>,
  { write, bytesOf, signal }: GroupParameters<T>,
): Promise<void> {
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

/** The journals to write; those that are there already, unchanged, are left out. */
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
      throw new BackupError("occupied", `${target} exists and differs: move it away to restore the one of the backup.`);
    }
  }
  return journals;
}

function partsOf({ earlierParts, parts }: BackupFile, generation: BackupGeneration): BackupPart[] {
  const named = new Set(generation.parts);
  return [...parts, ...earlierParts].filter(({ file }) => named.has(file));
}

function summaryOf(backup: BackupFile, generation: BackupGeneration): CheckedBackup {
  const parts = partsOf(backup, generation);
  return {
    subject: backup.subject,
    time: generation.time,
    parts: parts.length,
    blocks: parts.reduce((sum, part) => sum + part.blocks, 0),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    pins: generation.pins.count,
    files: generation.files.length,
    generations: generationsOf(backup).map(({ time }) => time),
  };
}
