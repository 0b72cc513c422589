import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { syncFolder, writeDurably } from "../../../utils/durable.js";
import { parseCid } from "../cid.js";
import type { ContentStore } from "../content.js";
import type { ContentMaintenance, LostBlock } from "../maintenance.js";
import { BackupError, type BackupFile, type BackupPart, readBackupFile, seal, writeBackupFile } from "./backupFile.js";
import { type NamedBlock, readCar } from "./car.js";
import { generationsOf, KEEP, type KeepRule, keptGenerations, namedFiles } from "./generations.js";
import { checkEarlierParts, type KnownPart, numberAfter, wornParts, writeParts } from "./parts.js";
import { readPins, writePins } from "./pinsFile.js";
import { refusePoorer } from "./poorer.js";
import { writeChunks } from "./writeChunks.js";

/** A peer that has a block gives it in milliseconds. */
const PEER_MS = 2_000;
/** The names of files of a backup, besides `backup.json`. */
const OWN = /^(part-|pins-|files-)/;
/** Is in a folder until its first backup is complete. */
const FIRST = "first-backup";
/** For all blocks that peers do not have, together: a scrub names and fetches what is lost. */
const LOST_MS = 30_000;

export interface BackUpParameters {
  /** The store to back up. It may be in use: what is written meanwhile is left to the next backup. */
  readonly store: Pick<ContentStore, "get" | "has"> & Pick<ContentMaintenance, "pins" | "needed">;
  /** The folder of the backup: made if it is missing, added to if it holds an earlier backup. */
  readonly dir: string;
  readonly subject: BackupFile["subject"];
  /**
   * Journals: where they are, and their path in the data folder. Missing ones are left out. Of one that only grows, no entry of
   * the generation before may be gone.
   */
  readonly files: readonly { readonly path: string; readonly from: string; readonly grows?: boolean }[];
  /** Which generations stay; {@link KEEP} by default. */
  readonly keep?: KeepRule;
  /** Whether far less than in the generation before is meant; false by default. */
  readonly acceptPoorer?: boolean;
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
  /** How many generations the folder holds. */
  readonly generations: number;
  /** Needed by pins and not in the store: the backup lacks them. */
  readonly lost: readonly LostBlock[];
  /** Earlier parts that were altered since they were written: their blocks were read from the store again. */
  readonly damaged: readonly string[];
}

/**
 * Writes the blocks that the pins of a store need into CAR files, unless an earlier backup in the folder holds them, with
 * the pins and the journals. All that was written is read again and checked, and so is one earlier part, in rotation. This is
 * the newest generation; earlier ones stay by a rule, and share its parts. `backup.json` names them all and is replaced in
 * one step: killed at any instant, the folder holds what it held before, or that and the new generation.
 *
 * A running node writes a block with its pin, then its line in a journal. So journals are copied first, then pins, then
 * blocks: no file in the backup names a block that is not in it.
 *
 * @throws {BackupError} `damaged` if `backup.json` cannot be read, or is missing beside parts that it named, `other` if it is another node's, `poorer` if the store holds
 * far less than the generation before. The folder is as it was then.
 */
export async function backUp(parameters: BackUpParameters): Promise<BackedUp> {
  const { dir, subject } = parameters;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const before = await readBackupFile(dir);
  if (before !== undefined && !isDeepStrictEqual(before.subject, subject)) {
    throw new BackupError(
      "other",
      `The folder ${dir} holds the backup of ${before.subject.name}, of another node or DAO.`,
    );
  }
  await beginIn(dir, before);
  let isWhole = false;
  try {
    const done = await addGeneration(parameters, before);
    isWhole = true;
    return done;
  } finally {
    // An attempt that fails again and again must not fill the disk.
    if (!isWhole) await removeOthers(dir, before === undefined ? [] : namedFiles(before), []);
  }
}

async function addGeneration(parameters: BackUpParameters, before: BackupFile | undefined): Promise<BackedUp> {
  const { acceptPoorer = false, clock = systemClock, dir, files, keep = KEEP } = parameters;
  const { onProgress, signal, store, subject } = parameters;
  // Later than the previous backup even if the wall clock was set back: its files stay until this one is whole.
  const time = Math.max(clock.now(), (before?.time ?? 0) + 1);
  const copied = await copyFiles(`files-${time}`);
  const pinsFile = `pins-${time}.jsonl`;
  const count = await writePins(join(dir, pinsFile), store.pins.list());
  const pins = { ...(await seal(dir, pinsFile)), count };
  const growing = new Set(files.flatMap(({ grows, path }) => (grows === true ? [path] : [])));
  if (before !== undefined && !acceptPoorer) await refusePoorer(dir, before, { pins: count, files: copied }, growing);

  const known: readonly BackupPart[] = before === undefined ? [] : [...before.earlierParts, ...before.parts];
  const { sound, damaged } = await checkEarlierParts(dir, known, time);
  /** The part in which a block is found: the newest one. */
  const home = new Map<string, KnownPart>();
  for (const part of sound) for (const cid of part.cids) home.set(cid, part);
  const needed = new Set<string>();
  const isNeeded = (cid: string, part: KnownPart) => needed.has(cid) && home.get(cid) === part;

  const lost: LostBlock[] = [];
  let lostMs = 0;
  const fresh = { blocks: 0, bytes: 0 };
  let current: readonly KnownPart[] = [];
  let worn: readonly KnownPart[] = [];
  const written = await writeParts(dir, numberAfter(known), blocksToWrite(), time);
  const parts = [...current.filter((part) => !worn.includes(part)), ...written].map(({ part }) => part);

  await syncFolder(dir);
  const names = new Set(parts.map(({ file }) => file));
  // What a damaged part held is in the parts that were written instead, as far as the store has it.
  const instead = written.map(({ part }) => part.file);
  const mended = (before === undefined ? [] : generationsOf(before)).map((generation) => {
    const left = generation.parts.filter((file) => !damaged.includes(file));
    return left.length === generation.parts.length ? generation : { ...generation, parts: [...left, ...instead] };
  });
  const kept = keptGenerations([{ time }, ...mended], keep);
  const earlier = mended.filter((generation) => kept.includes(generation));
  const others = new Set(earlier.flatMap((generation) => generation.parts));
  const earlierParts = sound
    .map(({ part }) => part)
    .filter(({ file }) => others.has(file) && !names.has(file) && !damaged.includes(file));
  const backup = {
    schema: "witan/backup/2",
    subject,
    time,
    parts,
    pins,
    files: copied,
    earlier,
    earlierParts,
  } as const;
  await writeBackupFile(dir, backup);
  await rm(join(dir, FIRST), { force: true });
  await removeOthers(dir, namedFiles(backup), damaged);
  return {
    blocks: parts.reduce((sum, { blocks }) => sum + blocks, 0),
    newBlocks: fresh.blocks,
    newBytes: fresh.bytes,
    pins: pins.count,
    files: copied.length,
    generations: 1 + earlier.length,
    lost,
    damaged,
  };

  async function* blocksToWrite(): AsyncGenerator<NamedBlock> {
    let checked = 0;
    for await (const { cid, pin } of store.needed(readPins(dir, pins.file))) {
      signal?.throwIfAborted();
      checked += 1;
      onProgress?.(checked, fresh.blocks);
      if (needed.has(cid) || (!home.has(cid) && !(yield* fromStore(cid, pin)))) continue;
      needed.add(cid);
    }
    current = sound.filter((part) => part.cids.some((cid) => isNeeded(cid, part)));
    worn = wornParts(current, isNeeded);
    yield* stillNeeded(worn);
  }

  /** The blocks of these parts that are needed; from the store if a part is damaged. */
  async function* stillNeeded(worn: readonly KnownPart[]): AsyncGenerator<NamedBlock> {
    const left = new Set(worn.flatMap((part) => part.cids.filter((cid) => isNeeded(cid, part))));
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
    for (const cid of left) if (!(yield* fromStore(cid))) needed.delete(cid);
  }

  /** Yields a block that no part holds; returns false if the store does not have it either. */
  async function* fromStore(cid: string, pin?: string): AsyncGenerator<NamedBlock, boolean> {
    const bytes = await read(cid);
    if (bytes === undefined) {
      lost.push({ cid, pins: pin === undefined ? [] : [pin] });
      return false;
    }
    fresh.blocks += 1;
    fresh.bytes += bytes.length;
    yield { cid: parseCid(cid), bytes };
    return true;
  }

  /** Undefined if neither the store nor, in the time that is left, a peer has it. */
  async function read(cid: string): Promise<Uint8Array | undefined> {
    if (lostMs >= LOST_MS && !(await store.has(cid))) return undefined;
    const startedAt = clock.monotonic();
    try {
      return await store.get(cid, { timeoutMs: PEER_MS });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error as { code?: string }).code?.startsWith("content-")) throw error;
      lostMs += clock.monotonic() - startedAt;
      return undefined;
    }
  }

  async function copyFiles(folder: string): Promise<BackupFile["files"]> {
    const copies: BackupFile["files"] = [];
    for (const { path, from } of files) {
      const file = `${folder}/${path}`;
      await mkdir(dirname(join(dir, file)), { recursive: true, mode: 0o700 });
      let bytes: Buffer;
      try {
        bytes = await readFile(from);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
        throw error;
      }
      // A line that is being written is not acknowledged yet.
      await writeChunks(join(dir, file), once(bytes.subarray(0, bytes.lastIndexOf("\n") + 1)));
      for (let inner = dirname(file); inner !== "."; inner = dirname(inner)) await syncFolder(join(dir, inner));
      copies.push({ ...(await seal(dir, file)), path });
    }
    return copies;
  }
}

/**
 * Refuses a folder of parts that nothing names: without `backup.json` they would be taken for what an interrupted backup left, and
 * removed. The first backup into a folder leaves a mark while it runs, by which its own are known.
 */
async function beginIn(dir: string, before: BackupFile | undefined): Promise<void> {
  const mark = join(dir, FIRST);
  if (before !== undefined) return rm(mark, { force: true });
  const names = await readdir(dir);
  if (names.includes(FIRST)) return;
  const part = names.find((name) => OWN.test(name));
  if (part !== undefined) {
    throw new BackupError("damaged", `The folder ${dir} holds ${part} of a backup, and no backup.json.`, undefined, [
      "Nothing was removed. Bring backup.json back, or back up into another folder.",
    ]);
  }
  await writeDurably(mark, "");
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Removes what earlier backups and interrupted ones left. Damaged parts are renamed, for the operator to inspect. */
async function removeOthers(dir: string, files: readonly string[], damaged: readonly string[]): Promise<void> {
  const kept = new Set(files.map((file) => file.split("/")[0]));
  for (const name of await readdir(dir)) {
    if (!(OWN.test(name) || name.startsWith("backup.json.")) || kept.has(name)) continue;
    if (damaged.includes(name)) await rename(join(dir, name), join(dir, `damaged-${name}`));
    else await rm(join(dir, name), { recursive: true, force: true });
  }
}
