import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as dagCbor from "@ipld/dag-cbor";
import type { CID } from "multiformats/cid";
import { describe, expect, it } from "vitest";
import { backUp } from "../../../../src/ports/content/backup/backup.js";
import { readBackupFile } from "../../../../src/ports/content/backup/backupFile.js";
import { readCar } from "../../../../src/ports/content/backup/car.js";
import { namedFiles } from "../../../../src/ports/content/backup/generations.js";
import { checkBackup, restoreBackup } from "../../../../src/ports/content/backup/restore.js";
import type { Pin } from "../../../../src/ports/content/index.js";
import { killsOf, randomOf, runUntilKilled } from "../../../harness/children.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { openDisk } from "../contentNodes.js";
import { journalsIn, keptBy, subject } from "./backedUp.js";

const KILLS = killsOf(5);
const SCRIPT = new URL("./backupChild.ts", import.meta.url);

describe("a backup that is killed while it is made of a store that grows", () => {
  it(`is whole at any instant, and holds all that was written before it began (${KILLS} kills)`, async () => {
    const instants = { random: randomOf(11), maxLines: 90, maxDelayMs: 12 };
    const [dataDir, dir] = [temporaryFolder(), join(temporaryFolder(), "backup")];
    const written: string[] = [];
    /** How many of those a backup that ended must hold. */
    let safe = 0;
    let begun = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      for (const [word, what = ""] of await runUntilKilled(SCRIPT, [dataDir, dir, `${kill}`], instants)) {
        if (word === "written") written.push(what);
        if (word === "beginning") begun = written.length;
        if (word !== "backed-up") continue;
        expect(what).toBe("0");
        safe = begun;
      }
      if (safe > 0 || (await readBackupFile(dir)) !== undefined) expectWhole(await heldBy(dir), written.slice(0, safe));
    }
    expect(safe).toBeGreaterThan(KILLS);

    const store = await openDisk(dataDir);
    expect(await backUp({ store, dir, subject, files: journalsIn(dataDir) })).toMatchObject({ lost: [] });
    // Nothing is left of attempts that did not come to their end.
    const backup = await readBackupFile(dir);
    const named = backup === undefined ? [] : namedFiles(backup);
    const tops = new Set(["backup.json", ...named.map((file) => file.split("/")[0])]);
    expect((await readdir(dir)).sort()).toEqual([...tops].sort());

    const other = temporaryFolder();
    const restored = await openDisk(other);
    expect(await restoreBackup({ store: restored, dir, dataDir: other, subject })).toMatchObject({ lost: [] });
    expect(await keptBy(restored)).toEqual(await keptBy(store));
    const [there, here] = [other, dataDir].map((each) => join(each, "outbox.jsonl"));
    expect(await readFile(there ?? "", "utf8")).toBe(await readFile(here ?? "", "utf8"));
  }, 3_600_000);
});

/** What a backup holds, each file and block checked. */
async function heldBy(dir: string) {
  await checkBackup(dir);
  const backup = await readBackupFile(dir);
  if (backup === undefined) throw new Error(`no backup in ${dir}`);
  const blocks = new Map<string, Uint8Array>();
  for (const { file } of backup.parts) {
    for await (const { cid, bytes } of readCar(dir, file)) blocks.set(cid.toString(), bytes);
  }
  const lines = async <T>(file: string) =>
    (await readFile(join(dir, file), "utf8"))
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as T);
  const pins = await lines<Pin>(backup.pins.file);
  const journals = await Promise.all(backup.files.map(({ file }) => lines<{ readonly cid: string }>(file)));
  return { blocks, pins, journaled: journals.flat().map(({ cid }) => cid) };
}

/** Every root has its blocks, every line of the journal its root, and what was written has its line. */
function expectWhole({ blocks, pins, journaled }: Awaited<ReturnType<typeof heldBy>>, written: readonly string[]) {
  const needed = pins.flatMap(({ cid, scope }) => {
    const parts = scope === "tree" ? dagCbor.decode<CID[]>(blocks.get(cid) ?? dagCbor.encode([])) : [];
    return [cid, ...parts.map(String)];
  });
  expect(needed.filter((cid) => !blocks.has(cid))).toEqual([]);
  const names = new Set(pins.map(({ name }) => name));
  expect(journaled.filter((cid) => !names.has(`record/${cid}`))).toEqual([]);
  const known = new Set(journaled);
  expect(written.filter((cid) => !known.has(cid))).toEqual([]);
}
