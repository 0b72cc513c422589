import { mkdir, open, opendir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import PQueue from "p-queue";
import { syncFolder } from "../../../../utils/durable.js";
import { MAX_BLOCK_BYTES } from "../../content.js";
import { codeOf } from "../storeErrors.js";

/** A block that is on the disk and has no name in the store yet. */
export interface StagedBlock {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** The file that holds it; undefined if the store had the block already. */
  readonly path: string | undefined;
}

/**
 * Blocks of so many bytes and more are files. Below it one fsync of a log for many blocks is cheaper than one for each, above
 * it the database writes each block several times. As measured on ext4, sixteen at once, a file beside the database in one run
 * (a put alone is quicker in the database up to 512 KiB):
 *
 * | KiB            |   4 |  16 |  64 | 128 | 256 | 512 | 1024 |
 * | time of a put  | 2.9 | 2.0 | 1.3 | 1.2 | 0.8 | 0.6 |  0.4 |
 * | time of a get  | 2.0 | 2.1 | 1.3 | 1.3 | 1.2 | 0.8 |  0.6 |
 * | CPU of a put   | 3.2 | 2.0 | 1.3 | 1.1 | 1.0 | 0.9 |  0.6 |
 */
export const MIN_FILE_BYTES = 256 * 1024;
/**
 * Files written at once: the threads that Node has for it are four. Each is synced on its own: 1 GB took 1.6 s so, and 3.5 to 6 s
 * where a group was written first and then synced.
 */
const CONCURRENCY = 8;
/** A block's key is a slash and its multihash. */
const NAME = /^[A-Z2-7]+$/;

/**
 * Large blocks, a file each, named by their hash. A file is written and synced under another name, in `incoming`, and gets
 * its own in one step, so that a file with a block's name is always complete. All files of one commit share the sync of
 * the folder. What a file holds is not checked here.
 */
export class BlockFiles {
  readonly #dir: string;
  readonly #incoming: string;
  readonly #writes = new PQueue({ concurrency: CONCURRENCY });
  /** Blocks of commits that failed: their names may be gone after a crash, although they are there now. */
  readonly #doubtful = new Set<string>();
  #next = 0;

  constructor(dir: string) {
    this.#dir = join(dir, "files");
    this.#incoming = join(dir, "incoming");
  }

  /** Removes what a crash left unfinished. */
  async open(): Promise<void> {
    await rm(this.#incoming, { recursive: true, force: true });
    for (const dir of [this.#dir, this.#incoming]) await mkdir(dir, { recursive: true, mode: 0o700 });
    await syncFolder(dirname(this.#dir));
  }

  async isEmpty(): Promise<boolean> {
    for await (const _ of this.keys()) return false;
    return true;
  }

  /** Writes a block and syncs it. If the sync fails its bytes count as lost, and they are written once more to a new file. */
  stage(key: string, bytes: Uint8Array): Promise<StagedBlock> {
    return this.#writes.add(async () => {
      const path = join(this.#incoming, `${this.#next++}`);
      if (!(await this.#write(path, bytes))) {
        const again = join(this.#incoming, `${this.#next++}`);
        if (!(await this.#write(again, bytes))) throw Object.assign(new Error("fsync failed twice"), { code: "EIO" });
        return { key, bytes, path: again };
      }
      return { key, bytes, path };
    });
  }

  /** Whether what is stored of a block will survive a crash, if it is whole. */
  isCertain(key: string): boolean {
    return !this.#doubtful.has(key);
  }

  async discard({ path }: StagedBlock): Promise<void> {
    if (path !== undefined) await rm(path, { force: true });
  }

  /** Gives staged blocks their names. Resolves once these are on the disk. */
  async commit(blocks: readonly StagedBlock[]): Promise<void> {
    if (blocks.length === 0) return;
    for (const { key } of blocks) this.#doubtful.add(key);
    await Promise.all(
      blocks.map(async (block) => {
        // A block that was here when it was put may have been removed since.
        const { path } =
          block.path === undefined && !(await this.has(block.key)) ? await this.stage(block.key, block.bytes) : block;
        if (path !== undefined) await rename(path, this.#pathOf(block.key));
      }),
    );
    await syncFolder(this.#dir);
    for (const { key } of blocks) this.#doubtful.delete(key);
  }

  /**
   * The bytes, unchecked, and no more than one over what a block can have; undefined if there is no such file.
   * @param buffer Where they are read to, of {@link MAX_BLOCK_BYTES} and one more; a new one by default.
   */
  async read(key: string, buffer?: Uint8Array): Promise<Uint8Array | undefined> {
    const file = await open(this.#pathOf(key), "r").catch(missing);
    if (file === undefined) return undefined;
    try {
      const { size } = await file.stat();
      const length = Math.min(size, MAX_BLOCK_BYTES + 1);
      // Not zeroed: all of it is read, or cut off.
      const bytes = buffer?.subarray(0, length) ?? new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      let at = 0;
      while (at < bytes.length) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, at);
        if (bytesRead === 0) return bytes.subarray(0, at);
        at += bytesRead;
      }
      return bytes;
    } catch (error) {
      // The disk cannot read it: it is altered, to be fetched again.
      if (codeOf(error) === "EIO") return new Uint8Array();
      throw error;
    } finally {
      await file.close();
    }
  }

  async has(key: string): Promise<boolean> {
    return (await stat(this.#pathOf(key)).catch(missing)) !== undefined;
  }

  async remove(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => rm(this.#pathOf(key), { force: true })));
  }

  /** Moves the file of a block; false if it has none. */
  async moveTo(key: string, path: string): Promise<boolean> {
    try {
      await rename(this.#pathOf(key), path);
      return true;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return false;
      throw error;
    }
  }

  /** The keys of all blocks here, in no order. */
  async *keys(): AsyncGenerator<string> {
    for await (const { name } of await opendir(this.#dir)) if (NAME.test(name)) yield `/${name}`;
  }

  /** Whether it is on the disk; false, and removed, if the sync failed. */
  async #write(path: string, bytes: Uint8Array): Promise<boolean> {
    try {
      const file = await open(path, "wx", 0o600);
      try {
        await file.writeFile(bytes);
        await file.datasync();
        return true;
      } finally {
        await file.close();
      }
    } catch (error) {
      await rm(path, { force: true });
      if (codeOf(error) === "EIO") return false;
      throw error;
    }
  }

  #pathOf(key: string): string {
    return join(this.#dir, key.slice(1));
  }
}

/** Whether a folder of a store holds large blocks. */
export async function holdsFiles(dir: string): Promise<boolean> {
  const names = await readdir(join(dir, "files")).catch(missing);
  return names?.some((name) => NAME.test(name)) ?? false;
}

function missing(error: unknown): undefined {
  if (codeOf(error) === "ENOENT") return undefined;
  throw error;
}
