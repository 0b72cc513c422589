import { randomBytes } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import PQueue from "p-queue";
import { asDiskError } from "./diskError.js";

/** Given back at once: many lines of a journal, and too little for another writer to take the whole reserve. */
const STEP_BYTES = 64 * 1024;

/**
 * Room on the disk that is taken ahead, by a file of random bytes, and given back a step at a time once the disk is full, so
 * that what must be written then still can be. Random, since file systems that compress would keep no room for zeros.
 */
export class SpaceReserve {
  readonly #path: string;
  readonly #bytes: number;
  #held: number;
  readonly #queue = new PQueue({ concurrency: 1 });

  private constructor(path: string, bytes: number, held: number) {
    this.#path = path;
    this.#bytes = bytes;
    this.#held = held;
  }

  /** Finds what an earlier process holds. Nothing is taken before {@link take}. @param bytes What {@link take} fills up to. */
  static async open(path: string, bytes: number): Promise<SpaceReserve> {
    const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw asDiskError(path, error);
    });
    if (file === undefined) return new SpaceReserve(path, bytes, 0);
    try {
      return new SpaceReserve(path, bytes, Math.min(bytes, (await file.stat()).size));
    } finally {
      await file.close();
    }
  }

  /** What is held now, in bytes. */
  get held(): number {
    return this.#held;
  }

  get isWhole(): boolean {
    return this.#held >= this.#bytes;
  }

  /** Takes what is missing. @throws {@link DiskError}; what was held before is held still. */
  take(): Promise<void> {
    return this.#exclusively(async () => {
      await mkdir(dirname(this.#path), { recursive: true });
      const file = await open(this.#path, "a", 0o600);
      try {
        await file.truncate(this.#held);
        while (this.#held < this.#bytes) {
          const length = Math.min(STEP_BYTES, this.#bytes - this.#held);
          await file.appendFile(randomBytes(length));
          this.#held += length;
        }
        // Some file systems find out only here that there is no room.
        await file.sync();
      } catch (error) {
        // A step that was written in part holds nothing: a disk without room is not left without the rest of it.
        await file.truncate(this.#held).catch(() => undefined);
        throw error;
      } finally {
        await file.close();
      }
    });
  }

  /** Gives a step back; resolves with false if nothing was left. @throws {@link DiskError} */
  async release(): Promise<boolean> {
    let isReleased = false;
    await this.#exclusively(async () => {
      if (this.#held === 0) return;
      const left = Math.max(0, this.#held - STEP_BYTES);
      if (left === 0) await rm(this.#path, { force: true });
      else {
        const file = await open(this.#path, "r+");
        try {
          await file.truncate(left);
          // Some file systems give room back only then.
          await file.sync();
        } finally {
          await file.close();
        }
      }
      this.#held = left;
      isReleased = true;
    });
    return isReleased;
  }

  #exclusively(work: () => Promise<void>): Promise<void> {
    return this.#queue.add(async () => {
      try {
        await work();
      } catch (error) {
        throw asDiskError(this.#path, error);
      }
    });
  }
}
