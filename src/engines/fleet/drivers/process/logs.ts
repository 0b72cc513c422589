import { open, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What the replica's instance writes. */
export const LOG_FILE = "log.txt";
/** What it wrote before its log reached its bound. */
export const ROTATED_LOG_FILE = "log.rotated.txt";
/** The log of the instance before. */
export const PREVIOUS_LOG_FILE = "log.previous.txt";

/**
 * Moves the end of a log beyond `maxBytes` to the rotated log, and empties it. The replica goes on writing at its end, since
 * it was opened to append; what it writes between the two is lost.
 */
export async function boundLog(dir: string, maxBytes: number): Promise<void> {
  const path = join(dir, LOG_FILE);
  const log = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (log === undefined) return;
  try {
    const { size } = await log.stat();
    if (size <= maxBytes) return;
    const { buffer, bytesRead } = await log.read(Buffer.alloc(maxBytes), 0, maxBytes, size - maxBytes);
    // On a full disk the end of the log is lost, and what matters is that the log makes room.
    await writeFile(join(dir, ROTATED_LOG_FILE), buffer.subarray(0, bytesRead), { mode: 0o600 }).catch(() => undefined);
    await truncate(path);
  } finally {
    await log.close();
  }
}
