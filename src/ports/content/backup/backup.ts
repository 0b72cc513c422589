import { copyFile, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { syncFolder } from "../../../utils/durable.js";
import { parseCid } from "../cid.js";
import type { ContentStore } from "../content.js";
import type { ContentMaintenance, LostBlock } from "../maintenance.js";
import { BackupError, type BackupFile, readBackupFile, seal, writeBackupFile } from "./backupFile.js";
import { type NamedBlock, readCar } from "./car.js";
import { earlierParts, type KnownPart, numberAfter, wornParts, writeParts } from "./parts.js";
import { readRoots, writePins } from "./pinsFile.js";

export interface BackUpParameters {
  /** Where the blocks and their roots are; it may be in use, and what is written meanwhile is left to the next backup. */
  readonly store: Pick<ContentStore, "get"> & Pick<ContentMaintenance, "pins" | "needed">;
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
  /** Earlier parts that were not as they were written any more: what they held was taken from the store again. */
  readonly damaged: readonly string[];
}

/**
 * Writes what the roots of a store need into CAR files, only what an earlier backup in the folder does not hold, with the
 * roots and the journals. All that was written is read again and checked, and so is one earlier part, each in its turn. The
 * backup before stays whole until the new one is: killed at any instant, the folder holds one of the two.
 *
 * A node that runs writes a block with its root, then its line in a journal. So journals are copied first, then roots, then
 * blocks: nothing in the backup speaks of what is not in it.
 *
 * @throws {BackupError} `damaged` where `backup.json` cannot be read, `other` where it is another node's.
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
  // Never the names of the backup before, which stay until this one is whole, though the clock was set back.
  const time = Math.max(Date.now(), (before?.time ?? 0) + 1);
  const { sound, damaged } = await earlierParts(dir, before?.parts ?? [], time);
  /** Of each block in the backup, whether it is needed. */
  const known = new Map<string, boolean>();
  for (const { cids } of sound) for (const cid of cids) known.set(cid, false);
  const isNeeded = (cid: string) => known.get(cid) === true;

  const copied = await copyFiles(`files-${time}`);
  const rootsFile = `roots-${time}.jsonl`;
  const count = await writePins(join(dir, rootsFile), store.pins.list());
  const roots = { ...(await seal(dir, rootsFile)), count };

  const lost: LostBlock[] = [];
  const fresh = { blocks: 0, bytes: 0 };
  let worn: readonly KnownPart[] = [];
  const written = await writeParts(dir, numberAfter(before?.parts ?? []), blocksToWrite(), time);
  const parts = [...sound.filter((part) => !worn.includes(part)), ...written].map(({ part }) => part);

  await syncFolder(dir);
  await writeBackupFile(dir, { schema: "witan/backup/1", subject, time, parts, roots, files: copied });
  const named = [...parts, ...parts.map(({ index }) => index), roots, ...copied].map(({ file }) => file);
  await removeOthers(dir, named, damaged);
  return {
    blocks: parts.reduce((sum, { blocks }) => sum + blocks, 0),
    newBlocks: fresh.blocks,
    newBytes: fresh.bytes,
    roots: roots.count,
    files: copied.length,
    lost,
    damaged,
  };

  async function* blocksToWrite(): AsyncGenerator<NamedBlock> {
    let looked = 0;
    for await (const { cid, root } of store.needed(readRoots(dir, roots.file))) {
      signal?.throwIfAborted();
      looked += 1;
      onProgress?.(looked, fresh.blocks);
      const isNew = !known.has(cid);
      if (isNew && !(yield* fromStore(cid, root))) continue;
      known.set(cid, true);
    }
    worn = wornParts(sound, isNeeded);
    yield* stillNeeded(worn);
  }

  /** What of these parts is needed, from themselves, or from the store where one of them is damaged. */
  async function* stillNeeded(worn: readonly KnownPart[]): AsyncGenerator<NamedBlock> {
    const left = new Set(worn.flatMap(({ cids }) => cids.filter(isNeeded)));
    for (const { part } of worn) {
      try {
        for await (const block of readCar(dir, part.file)) {
          signal?.throwIfAborted();
          if (left.delete(block.cid.toString())) yield block;
        }
      } catch (error) {
        if (!(error instanceof BackupError)) throw error;
        damaged.push(part.file);
      }
    }
    for (const cid of left) yield* fromStore(cid);
  }

  /** A block that no part holds; false where the store does not give it either. */
  async function* fromStore(cid: string, root?: string): AsyncGenerator<NamedBlock, boolean> {
    const bytes = await store.get(cid).catch((error: unknown) => {
      signal?.throwIfAborted();
      if ((error as { code?: string }).code?.startsWith("content-")) return undefined;
      throw error;
    });
    if (bytes === undefined) {
      lost.push({ cid, roots: root === undefined ? [] : [root] });
      return false;
    }
    fresh.blocks += 1;
    fresh.bytes += bytes.length;
    yield { cid: parseCid(cid), bytes };
    return true;
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

/** What earlier backups left, and attempts that did not come to their end. What is damaged stays beside, to be looked at. */
async function removeOthers(dir: string, files: readonly string[], damaged: readonly string[]): Promise<void> {
  const kept = new Set(files.map((file) => file.split("/")[0]));
  for (const name of await readdir(dir)) {
    if (!/^(part-|roots-|files-|backup\.json\.)/.test(name) || kept.has(name)) continue;
    if (damaged.includes(name)) await rename(join(dir, name), join(dir, `damaged-${name}`));
    else await rm(join(dir, name), { recursive: true, force: true });
  }
}
