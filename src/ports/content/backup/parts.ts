import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { BackupError, type BackupPart, checkSeal, seal } from "./backupFile.js";
import { type NamedBlock, readCar, writeCar } from "./car.js";
import { writeChunks } from "./writeChunks.js";

/** A part is closed after so much: each is checked, copied and restored by itself. */
export const PART_BYTES = 256 * 1024 * 1024;
/** So many parts under half of that are written anew as one. */
const MANY_SMALL = 16;

/** A part of a backup, and which blocks it holds. */
export interface KnownPart {
  readonly part: BackupPart;
  readonly cids: readonly string[];
}

/**
 * The parts of an earlier backup that are as they were written, and the names of those that are not. What is looked at is
 * the size of each and the hash of its index; read whole is only the one whose last check is the longest ago, so that each
 * has its turn and a backup takes as long as what is new, not as all there is.
 *
 * @param now Milliseconds since 1970.
 */
export async function earlierParts(dir: string, parts: readonly BackupPart[], now: number) {
  const oldest = parts.reduce<BackupPart | undefined>(
    (found, part) => (found === undefined || part.checkedAt < found.checkedAt ? part : found),
    undefined,
  );
  const sound: KnownPart[] = [];
  const damaged: string[] = [];
  for (const part of parts) {
    try {
      const cids = await readIndex(dir, part);
      if (part === oldest) await checkPart(dir, part);
      sound.push({ part: part === oldest ? { ...part, checkedAt: now } : part, cids });
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      damaged.push(part.file);
    }
  }
  return { sound, damaged };
}

/**
 * Reads a part whole: the file against the hash it was written with, each block against its own and against the index.
 *
 * @throws {BackupError} `damaged`; the file is named.
 */
export async function checkPart(dir: string, part: BackupPart, onBlock: () => void = () => undefined): Promise<void> {
  await checkSeal(dir, part);
  const cids = await readIndex(dir, part);
  let position = 0;
  for await (const { cid } of readCar(dir, part.file)) {
    if (cid.toString() !== cids[position++]) {
      throw new BackupError(
        "damaged",
        `The file ${join(dir, part.index.file)} names other blocks than ${part.file} holds.`,
      );
    }
    onBlock();
  }
}

/** Parts to rewrite: those of which no pin needs more than half, and small ones if they are many. */
export function wornParts(parts: readonly KnownPart[], isNeeded: (cid: string) => boolean): KnownPart[] {
  const small = parts.filter(({ part }) => part.bytes < PART_BYTES / 2);
  const worn = parts.filter(({ cids }) => cids.filter(isNeeded).length < cids.length / 2);
  return small.length < MANY_SMALL ? worn : [...new Set([...small, ...worn])];
}

/** Writes all blocks into new parts, the first with this number, each read again and checked. */
export async function writeParts(dir: string, number: number, blocks: AsyncGenerator<NamedBlock>, now: number) {
  const parts: KnownPart[] = [];
  for (let next = await blocks.next(); !next.done; next = await blocks.next()) {
    const name = `part-${String(number + parts.length).padStart(6, "0")}`;
    const cids: string[] = [];
    await writeCar(join(dir, `${name}.car`), upTo(PART_BYTES, next.value, blocks, cids));
    // A disk that does not keep what is written to it is found out now.
    for await (const _ of readCar(dir, `${name}.car`));
    await writeChunks(join(dir, `${name}.cids`), linesOf(cids));
    const index = await seal(dir, `${name}.cids`);
    const part = { ...(await seal(dir, `${name}.car`)), blocks: cids.length, checkedAt: now, index };
    parts.push({ part, cids });
  }
  return parts;
}

/** The number after those of all parts. */
export function numberAfter(parts: readonly BackupPart[]): number {
  return parts.reduce((highest, { file }) => Math.max(highest, Number(/\d+/.exec(file)?.[0] ?? 0)), 0) + 1;
}

/** Blocks until there are enough. The one that begins the next part stays with `rest`. */
async function* upTo(
  bytes: number,
  first: NamedBlock,
  rest: AsyncGenerator<NamedBlock>,
  cids: string[],
): AsyncGenerator<NamedBlock> {
  let left = bytes - first.bytes.length;
  cids.push(first.cid.toString());
  yield first;
  while (left > 0) {
    const next = await rest.next();
    if (next.done) return;
    left -= next.value.bytes.length;
    cids.push(next.value.cid.toString());
    yield next.value;
  }
}

async function* linesOf(cids: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const cid of cids) yield Buffer.from(`${cid}\n`);
}

async function readIndex(dir: string, { file, bytes, blocks, index }: BackupPart): Promise<string[]> {
  const size = await stat(join(dir, file)).then(
    (found) => found.size,
    () => undefined,
  );
  if (size !== bytes) throw new BackupError("damaged", `The file ${join(dir, file)} is not as it was written.`);
  await checkSeal(dir, index);
  const cids = (await readFile(join(dir, index.file), "utf8")).trimEnd().split("\n");
  if (cids.length !== blocks) throw new BackupError("damaged", `The file ${join(dir, index.file)} names other blocks.`);
  return cids;
}
