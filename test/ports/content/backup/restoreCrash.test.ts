import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { backUp } from "../../../../src/ports/content/backup/backup.js";
import { restoreBackup } from "../../../../src/ports/content/backup/restore.js";
import { MAX_BLOCK_BYTES } from "../../../../src/ports/content/index.js";
import { type Instants, killsOf, randomOf, runUntilKilled } from "../../../harness/children.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { bytesOf, openDisk } from "../contentNodes.js";
import { journalsIn, keptBy, subject } from "./backedUp.js";

const KILLS = killsOf(5);
const SCRIPT = new URL("./restoreChild.ts", import.meta.url);
const RECORDS = 330;

type Original = Awaited<ReturnType<typeof backedUpNode>>;

describe("a restore that is killed and begun again", () => {
  it(`ends with every block, pin and journal that was backed up (${KILLS} kills)`, async () => {
    const random = randomOf(23);
    const original = await backedUpNode();
    const { dir, kept, tookMs } = original;
    const last = 1 + kept.blocks.size + kept.pins.length;
    /** At any time, with the lines as they come, and between the last pin and the end. */
    const instants: readonly Omit<Instants, "random">[] = [
      { maxLines: 1, maxDelayMs: tookMs },
      { maxLines: last, maxDelayMs: 5 },
      { minLines: last, maxLines: last, maxDelayMs: 15 },
    ];
    let ended = 0;
    let runs = 0;
    for (let kills = 0, dataDir = temporaryFolder(); kills < KILLS || ended === 0; ) {
      const instant = instants[runs++ % instants.length] as Omit<Instants, "random">;
      const said = await runUntilKilled(SCRIPT, [dir, dataDir], { random, ...instant });
      const done = said.some(([word]) => word === "restored");
      expect(said.filter(([word, lost]) => word === "restored" && lost !== "0")).toEqual([]);
      if (!done) {
        kills += 1;
        await expectPart(dataDir, original);
      }
      // Begun again: once in a while by one that nobody kills.
      if (!done && kills < KILLS && random() < 0.6) continue;
      await expectAll(dataDir, original, { again: !done });
      ended += 1;
      dataDir = temporaryFolder();
    }
  }, 3_600_000);
});

/** A node's data folder with records, a file of several blocks and journals, its backup in three steps, and how long a restore of it takes. */
async function backedUpNode() {
  const [dataDir, dir] = [temporaryFolder(), join(temporaryFolder(), "backup")];
  const store = await openDisk(dataDir);
  const journals = journalsIn(dataDir);
  for (let step = 0; step < 3; step++) {
    const records = Array.from({ length: RECORDS / 3 }, (_, index) => bytesOf(900, step * RECORDS + index + 1));
    await Promise.all(records.map((bytes) => store.put(bytes, { keep: "record" })));
    await store.putFile([bytesOf(MAX_BLOCK_BYTES + 1_000, step + 1)], { keep: "model" });
    for (const { path, from } of journals) {
      await mkdir(dirname(from), { recursive: true });
      await writeFile(from, `{"journal":"${path}"}\n`.repeat(50 * (step + 1)));
    }
    await backUp({ store, dir, subject, files: journals });
  }
  const kept = await keptBy(store);
  await store.close();
  const other = temporaryFolder();
  const restored = await openDisk(other);
  const began = performance.now();
  await restoreBackup({ store: restored, dir, dataDir: other, subject });
  const tookMs = performance.now() - began;
  await restored.close();
  return { dataDir, dir, kept, tookMs };
}

/** What a restore that was killed left: in order, and nothing that is not of the backup. */
async function expectPart(dataDir: string, { dataDir: original, kept }: Original): Promise<void> {
  const store = await openDisk(dataDir);
  try {
    const names = new Map(kept.pins.map((pin) => [pin.name, pin.cid]));
    const part = await keptBy(store);
    // A pin comes after its blocks: `keptBy` reads them all.
    for (const { name, cid } of part.pins) expect(names.get(name)).toBe(cid);
    for await (const { cid } of store.blocks()) await store.get(cid);
    for (const { path, from } of journalsIn(dataDir)) {
      const bytes = await readFile(from).catch(() => undefined);
      if (bytes === undefined) continue;
      // A journal comes after all that it may speak of, and in one step.
      expect(part.pins).toHaveLength(kept.pins.length);
      expect(bytes).toEqual(await readFile(join(original, path)));
    }
  } finally {
    await store.close();
  }
}

async function expectAll(dataDir: string, { dataDir: original, dir, kept }: Original, { again }: { again: boolean }) {
  const store = await openDisk(dataDir);
  try {
    if (again) expect(await restoreBackup({ store, dir, dataDir, subject })).toMatchObject({ lost: [] });
    const { pins, blocks } = await keptBy(store);
    expect(pins).toEqual(kept.pins);
    expect(blocks).toEqual(kept.blocks);
    for (const { path, from } of journalsIn(dataDir)) {
      expect(await readFile(from)).toEqual(await readFile(join(original, path)));
    }
  } finally {
    await store.close();
  }
}
