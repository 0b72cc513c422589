import { appendFile, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type BackedUp, backUp } from "../../../../src/ports/content/backup/backup.js";
import { checkBackup, restoreBackup } from "../../../../src/ports/content/backup/restore.js";
import { createDiskContent } from "../../../../src/ports/content/drivers/disk.js";
import { temporaryFolder } from "../../../harness/folder.js";

const subject = { name: "node-1", chainId: 31_337, contracts: { NodeRegistry: "0x01" }, deployedAtBlock: 7 };

let data: string;
let dir: string;
beforeEach(async () => {
  [data, dir] = [temporaryFolder(), join(temporaryFolder(), "backup")];
});

async function open(at = data) {
  const content = await createDiskContent({ dir: at });
  onTestFinished(() => content.close());
  return content;
}

const files = (at = data) => ["outbox.jsonl", "sub/ballots.jsonl"].map((path) => ({ path, from: join(at, path) }));
const backedUp = (store: Awaited<ReturnType<typeof open>>): Promise<BackedUp> =>
  backUp({ store, dir, subject, files: files(), keep: { newest: 1, days: 0 } });
const record = (i: number) => new TextEncoder().encode(`record ${i}`);
const partsOf = async () => (await readdir(dir)).filter((name) => /^part-.*\.car$/.test(name));

/** Of several blocks. */
const FILE = new Uint8Array(3_500_000).map((_, i) => i % 251);

/** A store with records, a file of several blocks, what nothing keeps, and a journal. */
async function filled() {
  const content = await open();
  const cids: string[] = [];
  for (let i = 0; i < 20; i++) cids.push(await content.put(record(i), { keep: "record" }));
  const file = await content.putFile([FILE], { keep: "model" });
  const loose = await content.put(new TextEncoder().encode("nobody's"));
  await writeFile(join(data, "outbox.jsonl"), '{"a":1}\n');
  return { content, cids, file, loose };
}

describe("a backup", () => {
  it("brings back on an empty machine all that was kept, under its names, and the journals", async () => {
    const { content, cids, file, loose } = await filled();
    // Twenty records, four leaves and the file's root.
    expect(await backedUp(content)).toMatchObject({ blocks: 25, newBlocks: 25, pins: 21, files: 1, lost: [] });
    const kept = await content.pins.get(`record/${cids[0]}`);
    await content.close();
    await rm(data, { recursive: true });

    const other = temporaryFolder();
    const store = await open(other);
    const restored = await restoreBackup({ store, dir, dataDir: other, subject });
    expect(restored).toMatchObject({ blocks: 25, pins: 21, files: 1, lost: [], subject });
    for (const cid of cids) expect(await store.has(cid)).toBe(true);
    expect((await store.getFile(file.cid, { sha256: file.sha256 })).length).toBe(3_500_000);
    expect(await store.has(loose)).toBe(false);
    expect(await readFile(join(other, "outbox.jsonl"), "utf8")).toBe('{"a":1}\n');
    expect(await store.gc({ graceMs: 0 })).toMatchObject({ removed: 0, missing: [] });
    const names = [];
    for await (const { name, scope } of store.pins.list()) names.push(`${name} ${scope}`);
    expect(names).toContain(`model/${file.cid} tree`);
    expect(names).toContain(`record/${cids[0]} block`);
    expect(await store.pins.get(`record/${cids[0]}`)).toEqual(kept);
  });

  it("takes only what is new the next time, and names what is not kept any more no longer", async () => {
    const { content, cids } = await filled();
    await backedUp(content);
    expect(await backedUp(content)).toMatchObject({ blocks: 25, newBlocks: 0, newBytes: 0 });
    expect(await partsOf()).toEqual(["part-000001.car"]);

    await content.put(record(100), { keep: "record" });
    await content.pins.drop(`record/${cids[0]}`);
    await mkdir(join(data, "sub"));
    await writeFile(join(data, "sub/ballots.jsonl"), "{}\n");
    expect(await backedUp(content)).toMatchObject({ blocks: 26, newBlocks: 1, pins: 21, files: 2 });
    expect(await partsOf()).toEqual(["part-000001.car", "part-000002.car"]);
    expect(await checkBackup(dir)).toMatchObject({ parts: 2, blocks: 26, pins: 21, files: 2 });
    // One generation of pins and journals is left.
    expect((await readdir(dir)).filter((name) => /^(pins|files)-/.test(name))).toHaveLength(2);

    const other = temporaryFolder();
    const store = await open(other);
    await restoreBackup({ store, dir, dataDir: other, subject });
    expect(await store.pins.get(`record/${cids[0]}`)).toBeUndefined();
    expect(await readFile(join(other, "sub/ballots.jsonl"), "utf8")).toBe("{}\n");
  });

  it("of a node that writes meanwhile speaks of nothing that is not in it", async () => {
    const { content, cids } = await filled();
    let late = "";
    const store = {
      ...content,
      async *needed(...pins: Parameters<typeof content.needed>) {
        yield* content.needed(...pins);
        // As the outbox does: the block with its pin, then the journal.
        late = await content.put(record(300), { keep: "record" });
        await appendFile(join(data, "outbox.jsonl"), `${JSON.stringify({ cid: late })}\n`);
      },
    };
    expect(await backedUp(store)).toMatchObject({ blocks: 25, pins: 21, lost: [] });
    const other = temporaryFolder();
    const restored = await open(other);
    expect(await restoreBackup({ store: restored, dir, dataDir: other, subject })).toMatchObject({ lost: [] });
    expect(await restored.has(cids[0] ?? "")).toBe(true);
    expect(await restored.pins.get(`record/${late}`)).toBeUndefined();
    expect(await readFile(join(other, "outbox.jsonl"), "utf8")).toBe('{"a":1}\n');
    // The next one has it.
    expect(await backedUp(content)).toMatchObject({ blocks: 26, newBlocks: 1, pins: 22 });
  });

  it("never writes over the one before, though the clock was set back", async () => {
    const { content } = await filled();
    await backedUp(content);
    const path = join(dir, "backup.json");
    const before = JSON.parse(await readFile(path, "utf8"));
    const ahead = Date.now() + 3_600_000;
    await writeFile(path, JSON.stringify({ ...before, time: ahead }));
    await backedUp(content);
    expect(JSON.parse(await readFile(path, "utf8")).time).toBeGreaterThan(ahead);
    expect(await checkBackup(dir)).toMatchObject({ blocks: 25 });
  });

  it("is a CAR file as others read it", async () => {
    const { content, cids } = await filled();
    await backedUp(content);
    const { CarReader } = await import("@ipld/car");
    const reader = await CarReader.fromBytes(await readFile(join(dir, "part-000001.car")));
    const found: string[] = [];
    for await (const cid of reader.cids()) found.push(cid.toString());
    expect(found).toEqual(expect.arrayContaining(cids));
    expect(reader.version).toBe(1);
  });

  it("is done without what is altered on the disk, and says what that is", async () => {
    const { content, cids } = await filled();
    const gone = cids[3] ?? "";
    await content.pins.set({ name: "gone", cid: await cidOfNothing(), reason: "record", scope: "block" });
    const { lost, blocks } = await backedUp(content);
    expect(lost).toEqual([{ cid: await cidOfNothing(), pins: ["gone"] }]);
    expect(blocks).toBe(25);
    expect(gone).not.toBe("");
    const other = temporaryFolder();
    const restored = await restoreBackup({ store: await open(other), dir, dataDir: other, subject });
    expect(restored.lost).toEqual([{ cid: await cidOfNothing(), pins: ["gone"] }]);
  });

  it("goes into no folder that holds another node's", async () => {
    const { content } = await filled();
    await backedUp(content);
    const another = backUp({ store: content, dir, subject: { ...subject, name: "node-2" }, files: [] });
    await expect(another).rejects.toMatchObject({ code: "backup-other" });
    expect(await checkBackup(dir)).toMatchObject({ subject });
  });

  it("is added to after an attempt that did not come to its end", async () => {
    const { content } = await filled();
    await backedUp(content);
    await content.put(record(200), { keep: "record" });
    await writeFile(join(dir, "part-000002.car"), "half");
    await writeFile(join(dir, "part-000003.car.tmp"), "half");
    await writeFile(join(dir, "pins-1.jsonl"), "half");
    await writeFile(join(dir, "backup.json.0123456789ab.tmp"), "half");
    expect(await backedUp(content)).toMatchObject({ newBlocks: 1 });
    expect(await checkBackup(dir)).toMatchObject({ parts: 2, blocks: 26 });
    expect((await readdir(dir)).some((name) => name.endsWith(".tmp") || name === "pins-1.jsonl")).toBe(false);
  });
});

const damages: readonly [string, (path: string) => Promise<void>][] = [
  ["cut short", (path) => truncate(path, 100_000)],
  ["longer", (path) => appendFile(path, "more")],
  ["gone", (path) => rm(path)],
  [
    "altered in one bit",
    async (path) => {
      const bytes = await readFile(path);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      await writeFile(path, bytes);
    },
  ],
];

describe("a backup that is not as it was written", () => {
  it.each(damages)("is found out, and nothing of it is restored: %s", async (_what, damage) => {
    const { content } = await filled();
    await backedUp(content);
    await damage(join(dir, "part-000001.car"));
    const refusal = { code: "backup-damaged", message: expect.stringContaining("part-000001.car") };
    await expect(checkBackup(dir)).rejects.toMatchObject(refusal);
    const other = temporaryFolder();
    const store = await open(other);
    await expect(restoreBackup({ store, dir, dataDir: other, subject })).rejects.toMatchObject(refusal);
    const blocks = [];
    for await (const block of store.blocks()) blocks.push(block);
    expect(blocks).toEqual([]);
  });

  it("names what it lacks where it is none, or says something else", async () => {
    const { content } = await filled();
    await expect(checkBackup(dir)).rejects.toMatchObject({ code: "backup-missing" });
    await backedUp(content);
    const path = join(dir, "backup.json");
    const backup = JSON.parse(await readFile(path, "utf8"));
    for (const change of [
      "{",
      JSON.stringify({ ...backup, schema: "witan/backup/3" }),
      JSON.stringify({ ...backup, parts: [{ ...backup.parts[0], file: "../../etc/passwd" }] }),
    ]) {
      await writeFile(path, change);
      await expect(checkBackup(dir)).rejects.toMatchObject({ code: "backup-damaged" });
    }
  });

  it("is not brought back to another node, nor over journals of its own", async () => {
    const { content } = await filled();
    await backedUp(content);
    const other = temporaryFolder();
    const store = await open(other);
    const foreign = { ...subject, chainId: 1 };
    await expect(restoreBackup({ store, dir, dataDir: other, subject: foreign })).rejects.toMatchObject({
      code: "backup-other",
    });
    await writeFile(join(other, "outbox.jsonl"), '{"mine":1}\n');
    await expect(restoreBackup({ store, dir, dataDir: other, subject })).rejects.toMatchObject({
      code: "backup-occupied",
    });
    expect(await readFile(join(other, "outbox.jsonl"), "utf8")).toBe('{"mine":1}\n');

    // The same is no other: a restore that was cut off goes on.
    await writeFile(join(other, "outbox.jsonl"), '{"a":1}\n');
    for (let times = 0; times < 2; times++) {
      expect(await restoreBackup({ store, dir, dataDir: other, subject })).toMatchObject({ blocks: 25, lost: [] });
    }
  });
});

describe("a backup that many others went before", () => {
  it("reads one earlier part whole, each in its turn, and of the others no more than what they hold", async () => {
    const content = await open();
    for (let i = 0; i < 3; i++) {
      await content.put(record(i), { keep: "record" });
      await backedUp(content);
    }
    const turns: number[] = [];
    for (let i = 0; i < 3; i++) {
      const earlier = await partsIn();
      await backedUp(content);
      turns.push(...(await partsIn()).flatMap((part, at) => (part.checkedAt === earlier[at]?.checkedAt ? [] : [at])));
    }
    // The first two were checked when the third was written.
    expect(turns.toSorted()).toEqual([0, 1, 2]);
  });

  it.each(damages)(
    "takes from the store again what a part held that was %s, and sets the part aside",
    async (_, damage) => {
      const { content, cids } = await filled();
      await backedUp(content);
      await damage(join(dir, "part-000001.car"));
      expect(await backedUp(content)).toMatchObject({
        newBlocks: 25,
        blocks: 25,
        lost: [],
        damaged: ["part-000001.car"],
      });
      expect(await backedUp(content)).toMatchObject({ newBlocks: 0, damaged: [] });
      expect(await checkBackup(dir)).toMatchObject({ parts: 1, blocks: 25 });
      const aside = (await readdir(dir)).filter((name) => name.startsWith("damaged-"));
      expect(aside).toEqual(_ === "gone" ? [] : ["damaged-part-000001.car"]);
      const other = temporaryFolder();
      const store = await open(other);
      expect(await restoreBackup({ store, dir, dataDir: other, subject })).toMatchObject({ lost: [] });
      for (const cid of cids) expect(await store.has(cid)).toBe(true);
    },
  );

  it("names what a damaged part held that the store has lost since", async () => {
    const { content } = await filled();
    const gone = await cidOfNothing();
    await content.put(new TextEncoder().encode("never here"), { keep: "record" });
    await backedUp(content);
    await content.pins.drop(`record/${gone}`);
    await content.gc({ graceMs: 0 });
    await content.pins.set({ name: `record/${gone}`, cid: gone, reason: "record", scope: "block" });
    // The part has it still.
    expect(await backedUp(content)).toMatchObject({ newBlocks: 0, lost: [] });
    await truncate(join(dir, "part-000001.car"), 100_000);
    expect(await backedUp(content)).toMatchObject({ lost: [{ cid: gone, pins: [`record/${gone}`] }] });
  });

  it("is whole where the names of a part's blocks are lost", async () => {
    const { content } = await filled();
    await backedUp(content);
    await writeFile(join(dir, "part-000001.cids"), "bafy\n");
    await expect(checkBackup(dir)).rejects.toMatchObject({
      code: "backup-damaged",
      message: expect.stringContaining("part-000001.cids"),
    });
    const other = temporaryFolder();
    expect(await restoreBackup({ store: await open(other), dir, dataDir: other, subject })).toMatchObject({ lost: [] });
    expect(await backedUp(content)).toMatchObject({ newBlocks: 25, damaged: ["part-000001.car"] });
  });

  it("keeps few parts, however many times it was added to", async () => {
    const content = await open();
    const cids: string[] = [];
    for (let i = 0; i < 40; i++) {
      cids.push(await content.put(record(i), { keep: "record" }));
      await backedUp(content);
      expect((await partsOf()).length).toBeLessThanOrEqual(17);
    }
    expect(await checkBackup(dir)).toMatchObject({ blocks: 40 });
    const other = temporaryFolder();
    const store = await open(other);
    await restoreBackup({ store, dir, dataDir: other, subject });
    for (const cid of cids) expect(await store.has(cid)).toBe(true);
  });

  it("lets go of what nothing needs any more, once that is most of a part", async () => {
    const { content, cids } = await filled();
    for (const cid of cids.slice(0, 12)) await content.pins.drop(`record/${cid}`);
    await backedUp(content);
    await content.pins.drop((await nameOfFile(content)) ?? "");
    // Eight of thirteen are needed, then five.
    expect(await backedUp(content)).toMatchObject({ blocks: 13, newBlocks: 0 });
    for (const cid of cids.slice(12, 15)) await content.pins.drop(`record/${cid}`);
    expect(await backedUp(content)).toMatchObject({ blocks: 5, newBlocks: 0, lost: [] });
    expect(await partsOf()).toEqual(["part-000002.car"]);
    expect(await checkBackup(dir)).toMatchObject({ parts: 1, blocks: 5 });
    expect((await readdir(dir)).filter((name) => name.startsWith("part-"))).toHaveLength(2);
  });
});

async function partsIn(): Promise<readonly { readonly checkedAt: number }[]> {
  return JSON.parse(await readFile(join(dir, "backup.json"), "utf8")).parts;
}

async function nameOfFile(store: Awaited<ReturnType<typeof open>>): Promise<string | undefined> {
  for await (const { name } of store.pins.list()) if (name.startsWith("model/")) return name;
  return undefined;
}

/** A block that is in no store. */
async function cidOfNothing(): Promise<string> {
  const elsewhere = await createDiskContent({ dir: temporaryFolder() });
  try {
    return await elsewhere.put(new TextEncoder().encode("never here"));
  } finally {
    await elsewhere.close();
  }
}
