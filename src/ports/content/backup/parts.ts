import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { BackupError, type BackupPart, checkSeal, seal } from "./backupFile.js";
import { type NamedBlock, readCar, writeCar } from "./car.js";
import { writeChunks } from "./writeChunks.js";

/** A part ends after this many bytes of blocks: each part is checked, copied and restored by itself. */
export const PART_BYTES = 256 * 1024 * 1024;
/** From this number on, parts of less than half that size are rewritten together. */
const MANY_SMALL = 16;

/** A part of a backup, and the CIDs of its blocks. */
export interface KnownPart {
  readonly part: BackupPart;
  readonly cids: readonly string[];
}

/**
 * Checks the parts of an earlier backup. Returns those that are as they were written, and the names of the damaged ones. It
 * checks the size of each part and the hash of its index, and reads only one part whole: the one whose last check is the
 * longest ago. So each part is read in some backup, and the time of a backup depends on its new blocks, not on all blocks.
 *
 * @param now Milliseconds since 1970.
 */
export async function checkEarlierParts(dir: string, parts: readonly BackupPart[], now: number) {
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
 * Reads a part whole. Compares the file with the hash that it was written with, and each block with its own hash and with the
 * index.
 *
 * @throws {BackupError} `damaged`, with the name of the file.
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

/**
 * The parts to rewrite: those of whose blocks pins need less than half, and small parts if there are many. Of the small ones
 * those of about one size, so that a block is not copied again in every merge: earlier generations keep the part before.
 */
export function wornParts(
  parts: readonly KnownPart[],
  isNeeded: (cid: string, part: KnownPart) => boolean,
): KnownPart[] {
  const small = parts.filter(({ part }) => part.bytes < PART_BYTES / 2);
  const worn = parts.filter((part) => part.cids.filter((cid) => isNeeded(cid, part)).length < part.cids.length / 2);
  if (small.length < MANY_SMALL) return worn;
  const alike = ofOneSize(small);
  return [...new Set([...small.filter((part) => alike.includes(part)), ...worn])];
}

/** The smallest parts, up to one that is more than twice as large as all before it; at least two. */
function ofOneSize(parts: readonly KnownPart[]): KnownPart[] {
  const sorted = parts.toSorted((a, b) => a.part.bytes - b.part.bytes);
  let bytes = 0;
  const end = sorted.findIndex(({ part }, at) => {
    if (at >= 2 && part.bytes > 2 * bytes) return true;
    bytes += part.bytes;
    return false;
  });
  return end < 0 ? sorted : sorted.slice(0, end);
}

/** Writes blocks into new parts, which are numbered from `number` on; reads each part again and checks it. */
export async function writeParts(dir: string, number: number, blocks: AsyncGenerator<NamedBlock>, now: number) {
  const parts: KnownPart[] = [];
  for (let next = await blocks.next(); !next.done; next = await blocks.next()) {
    const name = `part-${String(number + parts.length).padStart(6, "0")}`;
    const cids: string[] = [];
    await writeCar(join(dir, `${name}.car`), upTo(PART_BYTES, next.value, blocks, cids));
    // Read again, so that a disk that loses what is written to it is noticed now.
    for await (const _ of readCar(dir, `${name}.car`));
    await writeChunks(join(dir, `${name}.cids`), linesOf(cids));
    const index = await seal(dir, `${name}.cids`);
    const part = { ...(await seal(dir, `${name}.car`)), blocks: cids.length, checkedAt: now, index };
    parts.push({ part, cids });
  }
  return parts;
}

/** The number that follows the highest number of a part. */
export function numberAfter(parts: readonly BackupPart[]): number {
  return parts.reduce((highest, { file }) => Math.max(highest, Number(/\d+/.exec(file)?.[0] ?? 0)), 0) + 1;
}

/** Yields blocks until they have this many bytes, and adds their CIDs to `cids`. Further blocks stay in `rest`. */
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

/** The CIDs of a part's blocks, in their order. @throws {BackupError} `damaged` also if the part itself is of another size. */
export async function readIndex(dir: string, { file, bytes, blocks, index }: BackupPart): Promise<string[]> {
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
