import { open } from "node:fs/promises";

/** Written in one go: blocks are often of a few hundred bytes, and a call for each takes longer than its bytes. */
const AT_ONCE_BYTES = 1024 * 1024;

/** Writes a new file, or over an old one; once this resolves its bytes are on the disk, though its name may not be yet. */
export async function writeChunks(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    let waiting: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of chunks) {
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes < AT_ONCE_BYTES) continue;
      await file.appendFile(Buffer.concat(waiting));
      [waiting, bytes] = [[], 0];
    }
    await file.appendFile(Buffer.concat(waiting));
    await file.sync();
  } finally {
    await file.close();
  }
}
