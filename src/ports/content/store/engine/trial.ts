import { open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** What the engine writes besides its log when it is opened. */
const OPENING_BYTES = 64 * 1024;

/** The bytes that the engine writes when it opens the database: it sorts its logs into tables. */
export async function openingBytes(path: string): Promise<number> {
  let bytes = OPENING_BYTES;
  for (const name of await readdir(path)) {
    if (name.endsWith(".log")) bytes += (await stat(join(path, name))).size;
  }
  return bytes;
}

/** Writes and syncs so many bytes beside a database, and removes them again. Throws where the disk refuses that. */
export async function tryToWrite(path: string, bytes: number): Promise<void> {
  const trial = `${path}.trial`;
  try {
    const file = await open(trial, "w", 0o600);
    try {
      await file.writeFile(new Uint8Array(bytes));
      await file.datasync();
    } finally {
      await file.close();
    }
  } finally {
    await rm(trial, { force: true });
  }
}
