import { copyFile, mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { syncFolder } from "../../../utils/durable.js";
import { parseCid } from "../cid.js";
import type { ContentStore } from "../content.js";
import type { ContentUpkeep, LostBlock } from "../upkeep.js";
import { BackupError, type BackupFile, readBackupFile, seal, writeBackupFile } from "./backupFile.js";
import { type NamedBlock, readCar, writeCar } from "./car.js";
import { readRoots, writeRoots } from "./rootsFile.js";

/** A CAR file is closed after so much: each is checked, copied and restored by itself. */
const PART_BYTES = 256 * 1024 * 1024;

export interface BackUpParameters {
  /** Where the blocks and their roots are; it may be in use, and what is written meanwhile is left to the next backup. */
  readonly store: Pick<ContentStore, "get"> & Pick<ContentUpkeep, "roots" | "needed">;
  /** The folder of the backup: made where it is missing, added to where it holds an earlier one. */
  readonly dir: string;
  readonly subject: BackupFile["subject"];
  /** Journals beside the blocks: where they are, and their path in the data folder. Those that are missing are left out. */
  readonly files: readonly { readonly path: string; readonly from: string }[];
  /** Told now and then how many blocks were looked at, and how many of them were new. */
  readonly onProgress?: (blocks: number, fresh: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface BackedUp {
  /** In the backup now, and new in it. */
  readonly blocks: number;
  readonly newBlocks: number;
  readonly newBytes: number;
  readonly roots: number;
  readonly files: number;
  /** Needed by roots, and not to be had: the backup is without them. */
  readonly lost: readonly LostBlock[];
}

/**
 * Writes what the roots of a store need into CAR files, only what an earlier backup in the folder does not hold, with the
 * roots and the journals. All that was written is read again and checked. The backup before stays whole until the new one
 * is: killed at any instant, the folder holds one of the two.
 *
 * A node that runs writes a block with its root, then its line in a journal. So journals are copied first, then roots, then
 * blocks: nothing in the backup speaks of what is not in it.
 *
 * @throws {BackupError} `damaged` where the folder holds a backup that is not as it was written, `other` where it is
 * another node's.
 */
export async function backUp(parameters: BackUpParameters): Promise<BackedUp> {
  const { dir, files, onProgress, signal, store, subject } = parameters;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const before = await readBackupFile(dir);
  if (before !== undefined && !isDeepStrictEqual(before.subject, subject)) {
    throw new BackupError(
      "other",
      `The folder ${dir} holds the backup of ${before.subject.name}, of another node or DAO.`,
    );
  }
  const known = new Set<string>();
  for (const part of before?.parts ?? []) {
    for await (const { cid } of readCar(dir, part.file)) known.add(cid.toString());
  }
  // Never the names of the backup before, which stay until this one is whole, though the clock was set back.
  const time = Math.max(Date.now(), (before?.time ?? 0) + 1);
  const copied = await copyFiles(`files-${time}`);
  const rootsFile = `roots-${time}.jsonl`;
  const count = await writeRoots(join(dir, rootsFile), store.roots.list());
  const roots = { ...(await seal(dir, rootsFile)), count };

  const parts = [...(before?.parts ?? [])];
  const earlier = known.size;
  const lost: LostBlock[] = [];
  let looked = 0;
  const fresh = newBlocks();
  for (let block = await fresh.next(); !block.done; ) {
    const file = `part-${String(parts.length + 1).padStart(6, "0")}.car`;
    const [first] = [block.value];
    const blocks = await writeCar(join(dir, file), upTo(first, fresh));
    await checkCar(dir, file);
    parts.push({ ...(await seal(dir, file)), blocks, time: Date.now() });
    block = await fresh.next();
  }

  await syncFolder(dir);
  await writeBackupFile(dir, { schema: "witan/backup/1", subject, time, parts, roots, files: copied });
  await removeOthers(
    dir,
    [...parts, roots, ...copied].map(({ file }) => file),
  );
  return {
    blocks: known.size,
    newBlocks: known.size - earlier,
    newBytes: parts.slice(before?.parts.length ?? 0).reduce((sum, { bytes }) => sum + bytes, 0),
    roots: roots.count,
    files: copied.length,
    lost,
  };

  async function* newBlocks(): AsyncGenerator<NamedBlock> {
    for await (const { cid, root } of store.needed(readRoots(dir, roots.file))) {
      signal?.throwIfAborted();
      looked += 1;
      onProgress?.(looked, known.size - earlier);
      if (known.has(cid)) continue;
      const bytes = await store.get(cid).catch((error: unknown) => {
        signal?.throwIfAborted();
        if ((error as { code?: string }).code?.startsWith("content-")) return undefined;
        throw error;
      });
      if (bytes === undefined) lost.push({ cid, roots: [root] });
      else {
        known.add(cid);
        yield { cid: parseCid(cid), bytes };
      }
    }
  }

  async function copyFiles(folder: string): Promise<BackupFile["files"]> {
    const taken: BackupFile["files"] = [];
    for (const { path, from } of files) {
      const file = `${folder}/${path}`;
      await mkdir(dirname(join(dir, file)), { recursive: true, mode: 0o700 });
      try {
        await copyFile(from, join(dir, file));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
        throw error;
      }
      const handle = await open(join(dir, file), "r");
      await handle.sync().finally(() => handle.close());
      for (let inner = dirname(file); inner !== "."; inner = dirname(inner)) await syncFolder(join(dir, inner));
      taken.push({ ...(await seal(dir, file)), path });
    }
    return taken;
  }
}

/** Blocks until a part is full. The one that begins the next stays with `rest`. */
async function* upTo(first: NamedBlock, rest: AsyncGenerator<NamedBlock>): AsyncGenerator<NamedBlock> {
  let bytes = first.bytes.length;
  yield first;
  while (bytes < PART_BYTES) {
    const next = await rest.next();
    if (next.done) return;
    bytes += next.value.bytes.length;
    yield next.value;
  }
}

/** Reads what was written: a disk that does not keep it is found out now. */
async function checkCar(dir: string, file: string): Promise<void> {
  for await (const _ of readCar(dir, file));
}

/** What earlier backups left, and attempts that did not come to their end. */
async function removeOthers(dir: string, files: readonly string[]): Promise<void> {
  const kept = new Set(files.map((file) => file.split("/")[0]));
  for (const name of await readdir(dir)) {
    if (/^(part-|roots-|files-|backup\.json\.)/.test(name) && !kept.has(name))
      await rm(join(dir, name), { recursive: true, force: true });
  }
}
