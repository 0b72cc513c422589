import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { BackupError, type BackupFile, type SealedFile } from "./backupFile.js";

/** With fewer pins than this, half of them are soon unpinned for good reasons. */
const MANY_PINS = 100;

export interface Richness {
  readonly pins: number;
  /** Journals, by their path in the data folder. */
  readonly files: BackupFile["files"];
}

/**
 * Refuses a generation that holds far less than the one before: a disk that is not mounted looks like an empty store.
 *
 * @param growing The paths of journals of which no entry is ever removed.
 * @throws {BackupError} `poorer`
 */
export async function refusePoorer(
  dir: string,
  before: BackupFile,
  now: Richness,
  growing: ReadonlySet<string>,
): Promise<void> {
  const refuse = (what: string) => {
    throw new BackupError("poorer", `The data folder holds less than the backup in ${dir}: ${what}.`, undefined, [
      "Is the disk of the data folder mounted, and is it the right folder? The earlier backup is as it was.",
      "If the loss is meant, run `witan backup` with --accept-poorer once.",
    ]);
  };
  for (const earlier of before.files) {
    const file = now.files.find(({ path }) => path === earlier.path);
    if (earlier.bytes === 0) continue;
    if (file === undefined || file.bytes === 0)
      refuse(`${earlier.path} is ${file === undefined ? "missing" : "empty"}`);
    else if (growing.has(file.path) && !(await beginsWith(dir, file, earlier)))
      refuse(`${earlier.path} lacks entries of its copy in the backup`);
  }
  const { count } = before.pins;
  if (count > 0 && (now.pins === 0 || (count >= MANY_PINS && now.pins * 2 < count)))
    refuse(`${now.pins} pins instead of ${count}`);
}

/** Whether a file begins with the bytes of an earlier copy. */
async function beginsWith(dir: string, { bytes, file }: SealedFile, earlier: SealedFile): Promise<boolean> {
  if (bytes < earlier.bytes) return false;
  const digest = createHash("sha256");
  for await (const chunk of createReadStream(join(dir, file), { end: earlier.bytes - 1 }))
    digest.update(chunk as Buffer);
  return digest.digest("hex") === earlier.sha256;
}
