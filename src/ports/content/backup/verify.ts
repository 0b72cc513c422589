import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codecOfCid } from "../../../records/index.js";
import { Journal } from "../../../utils/journal.js";
import { createDiskContent } from "../drivers/disk.js";
import type { LostBlock } from "../maintenance.js";
import { BackupError, type BackupFile, type BackupPart, checkSeal } from "./backupFile.js";
import { readCar } from "./car.js";
import { readIndex } from "./parts.js";
import { readPins } from "./pinsFile.js";
import { existing, inGroups, restoreBackup } from "./restore.js";

export interface VerifyBackupParameters {
  readonly dir: string;
  /** Restores parts, drawn at random, of so many bytes, and not all; all by default. */
  readonly sampleBytes?: number | undefined;
  /** From 0 up to, not including, 1. Draws the sample. */
  readonly random?: () => number;
  readonly onProgress?: (blocks: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What a restore drill has found. Blocks and bytes are those that were restored and read again. */
export interface VerifiedBackup {
  readonly subject: BackupFile["subject"];
  /** Of the newest generation, in milliseconds since 1970. */
  readonly time: number;
  readonly parts: { readonly restored: number; readonly of: number };
  readonly blocks: number;
  readonly bytes: number;
  readonly pins: number;
  /** Each journal, and how many entries it holds. */
  readonly journals: readonly { readonly path: string; readonly entries: number }[];
  /** Needed by pins and in no part. Below a sampled tree only the root is looked for. */
  readonly lost: readonly LostBlock[];
}

/**
 * A restore drill: restores the newest generation into a temporary folder as a new machine would, opens the store again, reads
 * every block that a pin needs, and opens every journal. The folder is removed.
 *
 * @throws {BackupError} `missing`, or `damaged` with the name of the file.
 */
export async function verifyBackup(parameters: VerifyBackupParameters): Promise<VerifiedBackup> {
  const { sampleBytes } = parameters;
  const backup = await existing(parameters.dir);
  const dataDir = await mkdtemp(join(tmpdir(), "witan-verify-"));
  try {
    const restored =
      sampleBytes === undefined
        ? await restoreAll(parameters, backup, dataDir)
        : await restoreSample({ ...parameters, sampleBytes }, backup, dataDir);
    const { subject, time } = backup;
    return {
      subject,
      time,
      pins: backup.pins.count,
      journals: await openJournals(parameters.dir, backup),
      ...restored,
    };
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

type Restored = Pick<VerifiedBackup, "parts" | "blocks" | "bytes" | "lost">;

async function restoreAll(
  { dir, onProgress, signal }: VerifyBackupParameters,
  backup: BackupFile,
  dataDir: string,
): Promise<Restored> {
  const { subject } = backup;
  const written = await createDiskContent({ dir: dataDir });
  await restoreBackup({ store: written, dir, dataDir, subject, signal, ...(onProgress && { onProgress }) }).finally(
    () => written.close(),
  );
  const store = await createDiskContent({ dir: dataDir });
  try {
    const lost: LostBlock[] = [];
    const read = new Set<string>();
    let bytes = 0;
    for await (const { cid, pin } of store.needed()) {
      signal?.throwIfAborted();
      if (read.has(cid)) continue;
      read.add(cid);
      if (await store.has(cid)) bytes += (await store.get(cid)).length;
      else lost.push({ cid, pins: [pin] });
    }
    let pins = 0;
    for await (const _ of store.pins.list()) pins += 1;
    if (pins !== backup.pins.count)
      throw new BackupError("damaged", `The backup in ${dir} has ${backup.pins.count} pins; ${pins} were restored.`);
    const count = backup.parts.length;
    return { parts: { restored: count, of: count }, blocks: read.size - lost.length, bytes, lost };
  } finally {
    await store.close();
  }
}

async function restoreSample(
  { dir, onProgress, random = Math.random, sampleBytes, signal }: VerifyBackupParameters & { sampleBytes: number },
  backup: BackupFile,
  dataDir: string,
): Promise<Restored> {
  await checkSeal(dir, backup.pins);
  const named = new Set<string>();
  for (const part of backup.parts) for (const cid of await readIndex(dir, part)) named.add(cid);
  const lost: LostBlock[] = [];
  for await (const { cid, name } of readPins(dir, backup.pins.file))
    if (!named.has(cid)) lost.push({ cid, pins: [name] });
  const parts = drawParts(backup.parts, sampleBytes, random);
  const store = await createDiskContent({ dir: dataDir });
  let [blocks, bytes] = [0, 0];
  try {
    for (const part of parts) {
      await checkSeal(dir, part);
      await inGroups(readCar(dir, part.file), {
        signal,
        bytesOf: (block) => block.bytes.length,
        async write(block) {
          const cid = block.cid.toString();
          await store.put(block.bytes, { codec: codecOfCid(cid) });
          bytes += (await store.get(cid)).length;
          onProgress?.(++blocks);
        },
      });
    }
  } finally {
    await store.close();
  }
  return { parts: { restored: parts.length, of: backup.parts.length }, blocks, bytes, lost };
}

/** Parts at random, at least one, until they have so many bytes. */
function drawParts(parts: readonly BackupPart[], bytes: number, random: () => number): BackupPart[] {
  const left = [...parts];
  const drawn: BackupPart[] = [];
  for (let sum = 0; left.length > 0 && sum < bytes; ) {
    const [part] = left.splice(Math.floor(random() * left.length), 1);
    if (part === undefined) break;
    drawn.push(part);
    sum += part.bytes;
  }
  return drawn;
}

/** Opens copies of the journals as an agent would. */
async function openJournals(dir: string, { files }: BackupFile): Promise<VerifiedBackup["journals"]> {
  const scratch = await mkdtemp(join(tmpdir(), "witan-verify-"));
  const journals: { path: string; entries: number }[] = [];
  try {
    for (const sealed of files) {
      await checkSeal(dir, sealed);
      const { path } = sealed;
      await cp(join(dir, sealed.file), join(scratch, path));
      const { entries, journal } = await Journal.open(join(scratch, path));
      await journal.close();
      journals.push({ path, entries: entries.length });
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return journals;
}
