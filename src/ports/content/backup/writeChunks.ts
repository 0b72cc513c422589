import { open, rm } from "node:fs/promises";
import { asDiskError } from "../../../utils/disk/diskError.js";

/** Written in one go: blocks are often of a few hundred bytes, and a call for each takes longer than its bytes. */
const AT_ONCE_BYTES = 1024 * 1024;

/**
 * Writes a new file, or over an old one; once this resolves its bytes are on the disk, though its name may not be yet.
 *
 * @throws {@link DiskError} and the errors of `chunks`; the file is removed then, since it would only take up room.
 */
export async function writeChunks(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const refused = (error: unknown): never => {
    throw asDiskError(path, error);
  };
  const file = await open(path, "w", 0o600).catch(refused);
  try {
    let waiting: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of chunks) {
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes < AT_ONCE_BYTES) continue;
      await file.appendFile(Buffer.concat(waiting)).catch(refused);
      [waiting, bytes] = [[], 0];
    }
    await file.appendFile(Buffer.concat(waiting)).catch(refused);
    await file.sync().catch(refused);
    await file.close().catch(refused);
  } catch (error) {
    await Promise.allSettled([file.close(), rm(path, { force: true })]);
    throw error;
  }
}
