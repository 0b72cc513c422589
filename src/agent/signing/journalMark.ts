import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import PQueue from "p-queue";
import { asDiskError } from "../../utils/disk/diskError.js";
import { syncFolder } from "../../utils/durable.js";

const { O_CREAT, O_RDWR } = constants;

/** A state of a journal: how many lines it holds, and the hash of all of them, each hashed with the hash before it. */
interface Marked {
  readonly lines: number;
  readonly chain: string;
}

/** A write that a power cut tears spoils one slot, and the other one stands. A sector is at least so long. */
const SLOT_BYTES = 512;
const EMPTY: Marked = { lines: 0, chain: "" };

/** What a journal lacks of what it held when it was marked. */
export interface MissingLines {
  /** How many lines are missing; 0 if lines that were marked are others now. */
  readonly missing: number;
}

/**
 * A second file beside a journal, which says what that held when it last acknowledged a line. A journal that was cut at a line
 * end, emptied, removed or replaced by an older one reads well, so that it alone cannot tell.
 *
 * It is written after the line is durable, in place, and before the line is acknowledged: it needs no room on a disk that
 * was filled meanwhile, and never says more than what was on the disk.
 */
export class JournalMark {
  readonly #path: string;
  readonly #found: Marked | undefined;
  readonly #writes = new PQueue({ concurrency: 1 });
  #now: Marked = EMPTY;
  #slot: number;

  private constructor(path: string, found: Marked | undefined, slot: number) {
    this.#path = path;
    this.#found = found;
    this.#slot = slot;
  }

  /** The mark of a journal. A journal of an earlier version has none. @throws {@link DiskError} */
  static async open(journal: string): Promise<JournalMark> {
    const path = `${journal}.mark`;
    let bytes: Uint8Array;
    try {
      bytes = await readFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw asDiskError(path, error);
      return new JournalMark(path, undefined, 0);
    }
    const slots = [0, 1].map((slot) => decode(bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)));
    const newest = (slots[1]?.lines ?? -1) > (slots[0]?.lines ?? -1) ? 1 : 0;
    return new JournalMark(path, slots[newest], 1 - newest);
  }

  /** Takes the lines that the journal holds now; undefined if all that were marked are among them. */
  read(lines: readonly Uint8Array[]): MissingLines | undefined {
    const found = this.#found ?? EMPTY;
    let isSame = found.lines === 0;
    this.#now = EMPTY;
    for (const line of lines) {
      this.add(line);
      if (this.#now.lines === found.lines) isSame = this.#now.chain === found.chain;
    }
    return isSame ? undefined : { missing: Math.max(0, found.lines - lines.length) };
  }

  /** Counts a line that is durable in the journal; {@link write} makes that durable too. */
  add(line: Uint8Array): void {
    const { chain, lines } = this.#now;
    this.#now = { lines: lines + 1, chain: createHash("sha256").update(chain, "hex").update(line).digest("hex") };
  }

  /** Resolves once all lines that were counted before are marked. @throws {@link DiskError} */
  async write(): Promise<void> {
    await this.#writes.add(async () => {
      try {
        await this.#writeSlot(this.#slot, this.#now);
      } catch (error) {
        throw asDiskError(this.#path, error);
      }
      this.#slot = 1 - this.#slot;
    });
  }

  /** Forgets what was marked before, if the journal holds fewer lines now. @throws {@link DiskError} */
  async reset(): Promise<void> {
    // Both slots: the one with more lines would stand.
    await this.write();
    await this.write();
  }

  async #writeSlot(slot: number, marked: Marked): Promise<void> {
    // Not for appending: on Linux that writes at the end, whatever the position.
    const file = await open(this.#path, O_RDWR | O_CREAT, 0o600);
    try {
      if ((await file.stat()).size < 2 * SLOT_BYTES) {
        // Both slots at first, so that neither needs room later.
        await writeAt(file, Buffer.alloc(2 * SLOT_BYTES, " "), 0);
        await syncFolder(dirname(this.#path));
      }
      await writeAt(file, encode(marked), slot * SLOT_BYTES);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

/** Writes all bytes: of a write without room for all, the kernel takes what fits. */
async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}

function encode({ chain, lines }: Marked): Uint8Array {
  const text = `${lines} ${chain || "-"}`;
  return Buffer.from(`${text} ${checksum(text)}`.padEnd(SLOT_BYTES - 1).concat("\n"));
}

/** Undefined if the slot was never written, or in part. */
function decode(bytes: Uint8Array): Marked | undefined {
  const [, text, lines, chain, sum] =
    /^((\d{1,15}) (-|[0-9a-f]{64})) ([0-9a-f]{16}) *\n/.exec(Buffer.from(bytes).toString("latin1")) ?? [];
  if (text === undefined || checksum(text) !== sum) return undefined;
  return { lines: Number(lines), chain: chain === "-" || chain === undefined ? "" : chain };
}

function checksum(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
