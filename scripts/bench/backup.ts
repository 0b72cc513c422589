import { appendFile, copyFile, mkdir, open, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { backUp } from "../../src/ports/content/backup/backup.js";
import { checkBackup, restoreBackup } from "../../src/ports/content/backup/restore.js";
import { createDiskContent } from "../../src/ports/content/drivers/disk.js";
import type { ContentStore } from "../../src/ports/content/index.js";
import { systemClock } from "../../src/utils/clock.js";
import { syncFolder } from "../../src/utils/durable.js";
import { inFolder, recordOf } from "./knowledge/samples.js";
import type { Bench } from "./run.js";

const subject = { name: "bench", chainId: 1, contracts: {}, deployedAtBlock: 0 };
const JOURNAL = "outbox.jsonl";
const MIB = 1024 * 1024;
/** Concurrent puts. */
const CONCURRENCY = 64;
/** How often the plain copy is repeated; its median time counts. */
const COPIES = 3;

interface Step {
  readonly seconds: number;
  /** The size of everything that is backed up. */
  readonly MBps: number;
  readonly recordsPerSecond: number;
  /** The time divided by that of a plain copy of the backup with an fsync for each file. */
  readonly ratio: number;
}

/** Measures backup and restore of one node, beside a plain copy of the same bytes in the same run. */
export async function bench(args: readonly string[]): Promise<Bench> {
  const { values } = parseArgs({
    args: [...args],
    options: { records: { type: "string", default: "10000" }, "file-mib": { type: "string", default: "256" } },
  });
  const [records, fileMib] = [Number(values.records), Number(values["file-mib"])];
  const fresh = Math.max(1, Math.ceil(records / 100));
  const say = (what: string) => process.stderr.write(`${what} ...\n`);

  return inFolder(async (root) => {
    const at = (name: string) => join(root, name);
    const [dataDir, dir] = [at("data"), at("backup")];
    say(`writing ${records} records and a file of ${fileMib} MiB`);
    const store = await createDiskContent({ dir: dataDir });
    await write(store, dataDir, { from: 0, to: records });
    await store.putFile(pieces(fileMib), { keep: "model" });
    const backUpNow = () => backUp({ store, dir, subject, files: [{ path: JOURNAL, from: join(dataDir, JOURNAL) }] });

    const spent: Record<string, number> = {};
    say("backing up");
    spent.first = await timed(backUpNow);
    spent.nothingNew = await timed(backUpNow);
    await write(store, dataDir, { from: records, to: records + fresh });
    spent.onePercentNew = await timed(backUpNow);
    await store.close();

    say("copying, checking and restoring");
    const copies: number[] = [];
    const copyAgain = async () => copies.push(await timed(() => copyDurably(dir, at(`copy-${copies.length}`))));
    await copyAgain();
    spent.check = await timed(() => checkBackup(dir));
    await copyAgain();
    const restored = await createDiskContent({ dir: at("restored") });
    spent.restore = await timed(() => restoreBackup({ store: restored, dir, dataDir: at("restored"), subject }));
    await restored.close();
    while (copies.length < COPIES) await copyAgain();

    const bytes = await sizeOf(dir);
    const copySeconds = copies.toSorted((a, b) => a - b)[copies.length >> 1] ?? Number.NaN;
    const stepOf = (seconds: number): Step => ({
      seconds: round(seconds),
      MBps: Math.round(bytes / 1e6 / seconds),
      recordsPerSecond: Math.round((records + fresh) / seconds),
      ratio: round(seconds / copySeconds),
    });
    const steps = Object.fromEntries(Object.entries(spent).map(([name, seconds]) => [name, stepOf(seconds)]));
    const copy = stepOf(copySeconds);
    return {
      table: Object.entries({ ...steps, copy }).map(([what, step]) => ({ what, ...step })),
      report: { bench: "backup", records: records + fresh, fileBytes: fileMib * MIB, bytes, ...steps, copy },
    };
  });
}

/** Writes records as an agent does: each with a pin and a line in the journal. */
async function write(store: ContentStore, dataDir: string, { from, to }: { from: number; to: number }): Promise<void> {
  const lines: string[] = [];
  let next = from;
  const worker = async () => {
    for (let index = next++; index < to; index = next++) {
      const cid = await store.put(recordOf(index), { codec: "raw", keep: "record" });
      lines.push(`${JSON.stringify({ type: "queued", kind: "State", cid })}\n`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  await appendFile(join(dataDir, JOURNAL), lines.join(""));
}

function* pieces(mib: number): Generator<Uint8Array> {
  for (let i = 0; i < mib; i++) yield recordOf(i, MIB);
}

/** Copies every file of a folder into another; resolves when all are on the disk. */
async function copyDurably(from: string, to: string): Promise<void> {
  for (const path of await filesIn(from)) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(join(from, path), join(to, path));
    const file = await open(join(to, path), "r");
    await file.sync().finally(() => file.close());
    await syncFolder(dirname(join(to, path)));
  }
}

async function sizeOf(dir: string): Promise<number> {
  const sizes = await Promise.all((await filesIn(dir)).map(async (path) => (await stat(join(dir, path))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The paths of all files, relative to the folder. */
async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name).slice(dir.length + 1));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = systemClock.monotonic();
  await work();
  return (systemClock.monotonic() - began) / 1_000;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
