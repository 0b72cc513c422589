import { copyFile, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { syncFolder } from "../../../utils/durable.js";
import { parseCid } from "../cid.js";
import type { ContentStore } from "../content.js";
import type { ContentMaintenance, LostBlock } from "../maintenance.js";
import { BackupError, type BackupFile, readBackupFile, seal, writeBackupFile } from "./backupFile.js";
import { type NamedBlock, readCar } from "./car.js";
import { checkEarlierParts, type KnownPart, numberAfter, wornParts, writeParts } from "./parts.js";
import { readPins, writePins } from "./pinsFile.js";

export interface BackUpParameters {
  /** The store to back up. It may be in use: what is written meanwhile is left to the next backup. */
  readonly store: Pick<ContentStore, "get"> & Pick<ContentMaintenance, "pins" | "needed">;
  /** The folder of the backup: made if it is missing, added to if it holds an earlier backup. */
  readonly dir: string;
  readonly subject: BackupFile["subject"];
  /** Journals: where they are, and their path in the data folder. Missing ones are left out. */
  readonly files: readonly { readonly path: string; readonly from: string }[];
  /** Called with the number of blocks checked, and how many of them were new. */
  readonly onProgress?: (blocks: number, fresh: number) => void;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock;
}

export interface BackedUp {
  /** In the backup now; the next two count what this run added. */
  readonly blocks: number;
  readonly newBlocks: number;
  readonly newBytes: number;
  readonly pins: number;
  readonly files: number;
  /** Needed by pins and not in the store: the backup lacks them. */
  readonly lost: readonly LostBlock[];
  /** Earlier parts that were altered since they were written: their blocks were read from the store again. */
  readonly damaged: readonly string[];
}

/**
 * Writes the blocks that the pins of a store need into CAR files, unless an earlier backup in the folder holds them, with
 * the pins and the journals. All that was written is read again and checked, and so is one earlier part, in rotation. The
 * previous backup stays whole until the new one is: killed at any instant, the folder holds one of the two.
 *
 * A running node writes a block with its pin, then its line in a journal. So journals are copied first, then pins, then
 * blocks: no file in the backup names a block that is not in it.
 *
 * @throws {BackupError} `damaged` if `backup.json` cannot be read, `other` if it is another node's.
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
  // Later than the previous backup even if the wall clock was set back: its files stay until this one is whole.
  const time = Math.max((parameters.clock ?? systemClock).now(), (before?.time ?? 0) + 1);
  const { sound, damaged } = await checkEarlierParts(dir, before?.parts ?? [], time);
  /** Of each block in the backup, whether it is needed. */
  const known = new Map<string, boolean>();
  for (const { cids } of sound) for (const cid of cids) known.set(cid, false);
  const isNeeded = (cid: string) => known.get(cid) === true;

  const copied = await copyFiles(`files-${time}`);
  const pinsFile = `pins-${time}.jsonl`;
  const count = await writePins(join(dir, pinsFile), store.pins.list());
  const pins = { ...(await seal(dir, pinsFile)), count };

  const lost: LostBlock[] = [];
  const fresh = { blocks: 0, bytes: 0 };
  let worn: readonly KnownPart[] = [];
  const written = await writeParts(dir, numberAfter(before?.parts ?? []), blocksToWrite(), time);
  const parts = [...sound.filter((part) => !worn.includes(part)), ...written].map(({ part }) => part);

  await syncFolder(dir);
  await writeBackupFile(dir, { schema: "witan/backup/1", subject, time, parts, pins, files: copied });
  const named = [...parts, ...parts.map(({ index }) => index), pins, ...copied].map(({ file }) => file);
  await removeOthers(dir, named, damaged);
  return {
    blocks: parts.reduce((sum, { blocks }) => sum + blocks, 0),
    newBlocks: fresh.blocks,
    newBytes: fresh.bytes,
    pins: pins.count,
    files: copied.length,
    lost,
    damaged,
  };

  async function* blocksToWrite(): AsyncGenerator<NamedBlock> {
    let checked = 0;
    for await (const { cid, pin } of store.needed(readPins(dir, pins.file))) {
      signal?.throwIfAborted();
      checked += 1;
      onProgress?.(checked, fresh.blocks);
      const isNew = !known.has(cid);
      if (isNew && !(yield* fromStore(cid, pin))) continue;
      known.set(cid, true);
    }
    worn = wornParts(sound, isNeeded);
    yield* stillNeeded(worn);
  }

  /** The blocks of these parts that are needed; from the store if a part is damaged. */
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

  /** Yields a block that no part holds; returns false if the store does not have it either. */
  async function* fromStore(cid: string, pin?: string): AsyncGenerator<NamedBlock, boolean> {
    const bytes = await store.get(cid).catch((error: unknown) => {
      signal?.throwIfAborted();
      if ((error as { code?: string }).code?.startsWith("content-")) return undefined;
      throw error;
    });
    if (bytes === undefined) {
      lost.push({ cid, pins: pin === undefined ? [] : [pin] });
      return false;
    }
    fresh.blocks += 1;
    fresh.bytes += bytes.length;
    yield { cid: parseCid(cid), bytes };
    return true;
  }

  async function copyFiles(folder: string): Promise<BackupFile["files"]> {
    const copies: BackupFile["files"] = [];
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
      copies.push({ ...(await seal(dir, file)), path });
    }
    return copies;
  }
}

/** Removes what earlier backups and interrupted ones left. Damaged parts are renamed, for the operator to inspect. */
async function removeOthers(dir: string, files: readonly string[], damaged: readonly string[]): Promise<void> {
  const kept = new Set(files.map((file) => file.split("/")[0]));
  for (const name of await readdir(dir)) {
    if (!/^(part-|pins-|files-|backup\.json\.)/.test(name) || kept.has(name)) continue;
    if (damaged.includes(name)) await rename(join(dir, name), join(dir, `damaged-${name}`));
    else await rm(join(dir, name), { recursive: true, force: true });
  }
}
