import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../../../errors.js";
import { codeOf } from "../storeErrors.js";
import { readManifest } from "./manifest.js";

/** What is in the folder of a database before it is opened. */
export type DatabaseState =
  | { readonly kind: "none" | "whole" }
  | {
      readonly kind: "damaged";
      /** What is wrong, in words that follow "because". */
      readonly reason: string;
      /** Tables that are missing, or that have other bytes than they should. */
      readonly tables: readonly string[];
    };

const TABLE = /^(\d+)\.(ldb|sst)$/;
const LOG = /^(\d+)\.log$/;
const CURRENT = "CURRENT";

/**
 * Looks whether a LevelDB database is whole before the engine opens it, because the engine deletes what it does not know: where
 * CURRENT is missing it makes a new database and removes all tables, and where the end of the MANIFEST is missing it
 * removes the tables that were named there.
 *
 * Whole is a database of which CURRENT names a MANIFEST, and of which all tables that the MANIFEST names have their bytes,
 * and its log exists. An edit that is missing at the end of the MANIFEST shows by that: with each edit the engine
 * removes the tables or the log that it replaced.
 */
export async function inspectDatabase(dir: string): Promise<DatabaseState> {
  const names = await namesIn(dir);
  const tables = names.filter((name) => TABLE.test(name));
  const damaged = (reason: string, of: readonly string[] = []) => ({ kind: "damaged", reason, tables: of }) as const;

  const text = names.includes(CURRENT) ? await readFile(join(dir, CURRENT), "latin1") : undefined;
  if (text === undefined) {
    const holdsData = tables.length > 0 || (await anyBytes(dir, names));
    return holdsData ? damaged("CURRENT is missing") : { kind: "none" };
  }
  const current = /^(MANIFEST-\d+)\n$/.exec(text)?.[1];
  if (current === undefined) return damaged("CURRENT names no MANIFEST");
  if (!names.includes(current)) return damaged(`${current} is missing`);

  let manifest: ReturnType<typeof readManifest>;
  try {
    manifest = readManifest(await readFile(join(dir, current)));
  } catch (error) {
    return damaged(`${current} cannot be read: ${messageOf(error)}`);
  }
  const bad: string[] = [];
  for (const [number, bytes] of manifest.tables) {
    const name = tables.find((each) => Number(TABLE.exec(each)?.[1]) === number);
    if (name === undefined) bad.push(`${String(number).padStart(6, "0")}.ldb`);
    else if ((await stat(join(dir, name))).size !== bytes) bad.push(name);
  }
  if (bad.length > 0) return damaged(`${bad.join(", ")} ${bad.length === 1 ? "is" : "are"} missing or cut short`, bad);
  const { logNumber } = manifest;
  if (logNumber > 0 && !names.some((name) => Number(LOG.exec(name)?.[1]) === logNumber)) {
    return damaged(`the end of ${current}, or the log ${String(logNumber).padStart(6, "0")}.log, is missing`);
  }
  return { kind: "whole" };
}

/** What is in a folder; nothing if the folder does not exist. */
export async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function anyBytes(dir: string, names: readonly string[]): Promise<boolean> {
  for (const name of names) if (LOG.test(name) && (await stat(join(dir, name))).size > 0) return true;
  return false;
}
