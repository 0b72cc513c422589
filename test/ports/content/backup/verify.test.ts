import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { backUp } from "../../../../src/ports/content/backup/backup.js";
import { readBackupFile, seal, writeBackupFile } from "../../../../src/ports/content/backup/backupFile.js";
import { verifyBackup } from "../../../../src/ports/content/backup/verify.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { bytesOf, openDisk } from "../contentNodes.js";
import { subject } from "./backedUp.js";

/** A backup of three parts: a file of several blocks, and records; with a journal. */
async function backedUp() {
  const [data, dir] = [temporaryFolder(), join(temporaryFolder(), "backup")];
  const store = await openDisk(data);
  const files = [{ path: "ballots.jsonl", from: join(data, "ballots.jsonl"), grows: true }];
  await writeFile(join(data, "ballots.jsonl"), '{"n":1}\n{"n":2}\n');
  const { cid } = await store.putFile([bytesOf(2_500_000)], { keep: "model" });
  await backUp({ store, dir, subject, files });
  for (let i = 0; i < 2; i++) {
    await store.put(Buffer.from(`record ${i}`), { keep: "record" });
    await backUp({ store, dir, subject, files });
  }
  return { cid, dir, files, store };
}

/** The folder for temporary files, of this test alone. */
function ownTemporaryFolder(): string {
  const folder = temporaryFolder();
  vi.stubEnv("TMPDIR", folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  return folder;
}

describe("a restore drill", () => {
  it("restores all, reads every block that a pin needs, opens the journals, and leaves nothing behind", async () => {
    const { dir } = await backedUp();
    const folder = ownTemporaryFolder();
    expect(await verifyBackup({ dir })).toMatchObject({
      ...{ subject, pins: 3, lost: [], parts: { restored: 3, of: 3 }, blocks: 6 },
      journals: [{ path: "ballots.jsonl", entries: 2 }],
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it("names what is damaged, lost, or cannot be opened", async () => {
    const { dir, files, store } = await backedUp();
    const gone = await store.put(Buffer.from("gone"));
    await store.gc({ graceMs: 0 });
    await store.pins.set({ name: "gone", cid: gone, reason: "record", scope: "block" });
    await backUp({ store, dir, subject, files });
    for (const sampleBytes of [undefined, 1])
      expect(await verifyBackup({ dir, sampleBytes })).toMatchObject({ lost: [{ cid: gone, pins: ["gone"] }] });

    const backup = (await readBackupFile(dir)) ?? never();
    const [journal] = backup.files;
    if (journal === undefined) never();
    const text = await readFile(join(dir, journal.file), "utf8");
    // As the hash says it was written, and still no journal.
    await writeFile(join(dir, journal.file), "no JSON\n");
    await writeBackupFile(dir, { ...backup, files: [{ ...journal, ...(await seal(dir, journal.file)) }] });
    for (const sampleBytes of [undefined, 1])
      await expect(verifyBackup({ dir, sampleBytes })).rejects.toMatchObject({ code: "journal-corrupt" });
    await writeFile(join(dir, journal.file), text);
    await writeBackupFile(dir, backup);

    await appendFile(join(dir, "part-000001.car"), "more");
    await expect(verifyBackup({ dir })).rejects.toMatchObject({ code: "backup-damaged" });
    await expect(verifyBackup({ dir: join(dir, "no") })).rejects.toMatchObject({ code: "backup-missing" });
  });

  it("of a sample restores parts at random until they are as large, and looks for every root", async () => {
    const { dir } = await backedUp();
    // The second of three, then the first of the two that are left.
    const draws = [0.5, 0];
    const random = () => draws.shift() ?? 0;
    expect(await verifyBackup({ dir, sampleBytes: 1_000, random })).toMatchObject({
      ...{ parts: { restored: 2, of: 3 }, lost: [], pins: 3 },
      journals: [{ entries: 2 }],
    });
  });
});

function never(): never {
  throw new Error("there is no backup");
}
