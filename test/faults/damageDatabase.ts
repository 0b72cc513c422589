import { readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What a broken disk, or a person, can do to the files of a LevelDB database that nobody has open. */
export const databaseDamages = {
  "no CURRENT": (dir: string) => rm(join(dir, "CURRENT")),
  "an empty CURRENT": (dir: string) => writeFile(join(dir, "CURRENT"), ""),
  "a CURRENT of another store": (dir: string) => writeFile(join(dir, "CURRENT"), "MANIFEST-999999\n"),
  "a CURRENT cut short": async (dir: string) => {
    const path = join(dir, "CURRENT");
    await truncate(path, (await stat(path)).size - 1);
  },
  // https://github.com/google/leveldb/issues/779
  "a CURRENT of two lines": async (dir: string) => {
    const path = join(dir, "CURRENT");
    await writeFile(path, (await readFile(path, "latin1")).repeat(2));
  },
  "no MANIFEST": async (dir: string) => rm(await newest(dir, /^MANIFEST-/)),
  "an empty MANIFEST": async (dir: string) => truncate(await newest(dir, /^MANIFEST-/)),
  "half a MANIFEST": async (dir: string) => halve(await newest(dir, /^MANIFEST-/)),
  "no CURRENT and no MANIFEST": async (dir: string) => {
    await rm(join(dir, "CURRENT"));
    await rm(await newest(dir, /^MANIFEST-/));
  },
  "a table missing": async (dir: string) => rm(await newest(dir, /\.ldb$/)),
  "an empty table": async (dir: string) => truncate(await newest(dir, /\.ldb$/)),
  "half a table": async (dir: string) => halve(await newest(dir, /\.ldb$/)),
} as const;

/** Cuts the newest log to so many bytes: the engine takes it for one that ends there. */
export async function cutLog(dir: string, bytes: number): Promise<void> {
  await truncate(await newest(dir, /\.log$/), bytes);
}

/** The file of the highest number among those whose names match. */
export async function newest(dir: string, names: RegExp): Promise<string> {
  const name = (await readdir(dir))
    .filter((each) => names.test(each))
    .sort()
    .at(-1);
  if (name === undefined) throw new Error(`no ${names} in ${dir}`);
  return join(dir, name);
}

async function halve(path: string): Promise<void> {
  await truncate(path, (await stat(path)).size >> 1);
}
