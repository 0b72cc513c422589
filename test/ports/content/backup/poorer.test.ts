import { appendFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { backUp } from "../../../../src/ports/content/backup/backup.js";
import { checkBackup } from "../../../../src/ports/content/backup/restore.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { openDisk } from "../contentNodes.js";
import { subject } from "./backedUp.js";

/** A backup of a node with records, ballots and an outbox. */
async function backedUp(records = 3) {
  const [data, dir] = [temporaryFolder(), join(temporaryFolder(), "backup")];
  const store = await openDisk(data);
  const puts = Array.from({ length: records }, (_, i) => store.put(Buffer.from(`record ${i}`), { keep: "record" }));
  const cids = await Promise.all(puts);
  const from = (path: string, at = data) => join(at, path);
  const files = (at = data) => [
    { path: "outbox.jsonl", from: from("outbox.jsonl", at) },
    { path: "ballots.jsonl", from: from("ballots.jsonl", at), grows: true },
  ];
  await writeFile(from("outbox.jsonl"), '{"a":1}\n{"b":2}\n');
  await writeFile(from("ballots.jsonl"), '{"n":1}\n{"n":2}\n');
  const again = (change: Partial<Parameters<typeof backUp>[0]> = {}) =>
    backUp({ store, dir, subject, files: files(), ...change });
  await again();
  return { again, cids, data, dir, files, from, store };
}

const poorer = (what: string) => ({
  code: "backup-poorer",
  retryable: false,
  shortMessage: expect.stringContaining(what),
});

describe("a backup is not replaced", () => {
  it("by one of a folder that is not mounted, however often it is tried, unless that is meant", async () => {
    const { again, dir, files } = await backedUp();
    const before = (await readdir(dir)).sort();
    const unmounted = temporaryFolder();
    const empty = { store: await openDisk(unmounted), files: files(unmounted) };
    for (let times = 0; times < 2; times++) await expect(again(empty)).rejects.toMatchObject(poorer("is missing"));
    // Nothing is left of the attempts.
    expect((await readdir(dir)).sort()).toEqual(before);
    expect(await checkBackup(dir)).toMatchObject({ blocks: 3, pins: 3, files: 2 });

    expect(await again({ ...empty, acceptPoorer: true })).toMatchObject({ pins: 0, files: 0, generations: 2 });
    // The rich one is there still.
    const [, rich = 0] = (await checkBackup(dir)).generations;
    expect(rich).toBeGreaterThan(0);
  });

  // https://github.com/restic/restic/issues/4619
  it("by any, if its backup.json is gone: its parts are not taken for those of an interrupted one", async () => {
    const { again, dir, files } = await backedUp();
    const backup = await readFile(join(dir, "backup.json"));
    await rm(join(dir, "backup.json"));
    const before = (await readdir(dir)).sort();
    const unmounted = temporaryFolder();
    for (const change of [{}, { store: await openDisk(unmounted), files: files(unmounted) }]) {
      await expect(again(change)).rejects.toMatchObject({ code: "backup-damaged" });
    }
    expect((await readdir(dir)).sort()).toEqual(before);
    await writeFile(join(dir, "backup.json"), backup);
    expect(await again()).toMatchObject({ generations: 2, newBlocks: 0 });
  });

  it("by one of an agent that has begun anew in an empty folder", async () => {
    const { again, files } = await backedUp();
    const fresh = temporaryFolder();
    const store = await openDisk(fresh);
    await store.put(Buffer.from("a new record"), { keep: "record" });
    await writeFile(join(fresh, "outbox.jsonl"), '{"c":1}\n');
    await writeFile(join(fresh, "ballots.jsonl"), "");
    await expect(again({ store, files: files(fresh) })).rejects.toMatchObject(poorer("ballots.jsonl is empty"));
    await writeFile(join(fresh, "ballots.jsonl"), '{"n":7}\n{"n":8}\n{"n":9}\n');
    await expect(again({ store, files: files(fresh) })).rejects.toMatchObject(poorer("lacks entries"));
  });

  it("by one without most pins, or without any", async () => {
    const { again, cids, store } = await backedUp(100);
    for (const cid of cids.slice(0, 50)) await store.pins.drop(`record/${cid}`);
    await again();
    for (const cid of cids.slice(50, 99)) await store.pins.drop(`record/${cid}`);
    // Fewer than a hundred may well go at once.
    await again();
    await store.pins.drop(`record/${cids[99]}`);
    await expect(again()).rejects.toMatchObject(poorer("0 pins instead of 1"));
    const many = await backedUp(100);
    for (const cid of many.cids.slice(0, 51)) await many.store.pins.drop(`record/${cid}`);
    await expect(many.again()).rejects.toMatchObject(poorer("49 pins instead of 100"));
  });
});

describe("a backup is replaced", () => {
  it("by one whose outbox was shortened and whose ballots have grown", async () => {
    const { again, from } = await backedUp();
    await writeFile(from("outbox.jsonl"), '{"b":2}\n');
    await appendFile(from("ballots.jsonl"), '{"n":3}\n');
    expect(await again()).toMatchObject({ files: 2 });
  });

  it("by one in the middle of whose line the agent is: only what is acknowledged counts", async () => {
    const { again, from } = await backedUp();
    await appendFile(from("ballots.jsonl"), '{"n":3');
    await again();
    // The write failed, and the line was taken back.
    await writeFile(from("ballots.jsonl"), '{"n":1}\n{"n":2}\n{"n":4}\n');
    expect(await again()).toMatchObject({ files: 2 });
  });

  it("after a journal that had never held anything is gone", async () => {
    const { again, from } = await backedUp();
    await rm(from("outbox.jsonl"));
    await expect(again()).rejects.toMatchObject(poorer("outbox.jsonl is missing"));
    await writeFile(from("outbox.jsonl"), "");
    await again({ acceptPoorer: true });
    await rm(from("outbox.jsonl"));
    expect(await again()).toMatchObject({ files: 1 });
  });
});
