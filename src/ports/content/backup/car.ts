import { createReadStream } from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CarBlockIterator, CarWriter } from "@ipld/car";
import type { CID } from "multiformats/cid";
import { syncFolder } from "../../../utils/durable.js";
import { isBlockOf } from "../cid.js";
import { BackupError } from "./backupFile.js";
import { writeChunks } from "./writeChunks.js";

/** A block and its name. */
export interface NamedBlock {
  readonly cid: CID;
  readonly bytes: Uint8Array;
}

/**
 * Writes blocks into a CAR file (version 1, no roots). Once this resolves, the whole file is on the disk.
 *
 * @returns how many they were.
 */
export async function writeCar(path: string, blocks: AsyncIterable<NamedBlock>): Promise<number> {
  const temporary = `${path}.tmp`;
  const { writer, out } = CarWriter.create([]);
  let count = 0;
  const writing = writeChunks(temporary, out);
  const put = async () => {
    try {
      for await (const block of blocks) {
        await writer.put(block);
        count += 1;
      }
    } finally {
      // Also if the blocks end in an error: the file would stay open, waiting for more.
      await writer.close();
      await writing;
    }
  };
  await Promise.all([writing, put()]);
  await rename(temporary, path);
  await syncFolder(dirname(path));
  return count;
}

/**
 * The blocks of a CAR file, each checked against its hash.
 *
 * @throws {BackupError} `damaged` if the file is cut short or is not a CAR file.
 */
export async function* readCar(dir: string, file: string): AsyncGenerator<NamedBlock> {
  const path = join(dir, file);
  const stream = createReadStream(path);
  try {
    for await (const { cid, bytes } of await CarBlockIterator.fromIterable(stream)) {
      if (!isBlockOf(cid, bytes)) throw new BackupError("damaged", `The block ${cid} in ${path} was altered.`);
      yield { cid, bytes };
    }
  } catch (cause) {
    if (cause instanceof BackupError) throw cause;
    throw new BackupError("damaged", `The file ${path} is cut short or is no CAR file.`, cause);
  } finally {
    stream.destroy();
  }
}
