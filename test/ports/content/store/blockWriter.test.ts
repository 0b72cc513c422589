import { describe, expect, it } from "vitest";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";
import { MAX_BLOCK_BYTES } from "../../../../src/ports/content/content.js";
import type { Pin } from "../../../../src/ports/content/maintenance.js";
import { blockKey, bornKey, decodeBorn, pinKey } from "../../../../src/ports/content/store/blockKeys.js";
import { BlockWriter } from "../../../../src/ports/content/store/blockWriter.js";
import type { DatabaseChange } from "../../../../src/ports/content/store/engine/change.js";
import type { StagedBlock } from "../../../../src/ports/content/store/files/blockFiles.js";
import { StoreSession } from "../../../../src/ports/content/store/storeSession.js";
import { frozen } from "../../../harness/clock.js";

const NOW = 1_800_000_000_000;

/** A block of a few bytes that no other number has. */
function block(number: number) {
  const bytes = Uint8Array.of(number >> 8, number & 255);
  const cid = parseCid(cidOfBlock(bytes, "raw"));
  return { cid, bytes, key: blockKey(cid) };
}

const pin = (name: string): Pin => ({ name, cid: `${block(1).cid}`, reason: "record", scope: "block", since: 7 });

/** A writer over a database in memory; `batches` are the writes of one fsync each, and `log` is what happened in order. */
function writing() {
  const held = new Map<string, Uint8Array>();
  const batches: (readonly DatabaseChange[])[] = [];
  const log: string[] = [];
  const faults: { batch?: Error; commit?: Error; getMany?: Error } = {};
  const db = {
    async getMany(keys: readonly string[]) {
      if (faults.getMany !== undefined) throw faults.getMany;
      return keys.map((key) => held.get(key));
    },
    async batch(changes: readonly DatabaseChange[]) {
      if (faults.batch !== undefined) throw faults.batch;
      // As on a disk: what is queued meanwhile waits.
      await new Promise<void>((resolve) => setImmediate(resolve));
      for (const change of changes) {
        if (change.type === "put") held.set(change.key, change.value);
        else held.delete(change.key);
      }
      batches.push(changes);
      log.push("written");
    },
  };
  const files = {
    async commit(blocks: readonly StagedBlock[]) {
      if (faults.commit !== undefined) throw faults.commit;
      if (blocks.length > 0) log.push(`named ${blocks.length}`);
    },
    discard: async ({ path }: StagedBlock) => void log.push(`discarded ${path}`),
  };
  const writer = new BlockWriter({
    db,
    files,
    session: new StoreSession(frozen(NOW)),
    onWritten: ({ keys, pins }) => log.push(`told of ${keys.length} and ${pins.length}`),
  });
  return { writer, held, batches, log, faults, keys: () => batches.map((batch) => batch.map(({ key }) => key)) };
}

describe("a writer of blocks", () => {
  it("writes a block, its age and its pin in one step", async () => {
    const { writer, held, keys } = writing();
    const one = block(1);
    await writer.write({ block: one, pin: pin("a") });
    expect(keys()).toEqual([[one.key, bornKey(one.key), pinKey("a")]]);
    expect(held.get(one.key)).toEqual(one.bytes);
    expect(decodeBorn(held.get(bornKey(one.key)))).toMatchObject({ at: NOW, bytes: 2 });
    expect(JSON.parse(Buffer.from(held.get(pinKey("a")) ?? []).toString())).toEqual(pin("a"));
  });

  it("shares one fsync among the writes of a turn, and among those that come while it writes", async () => {
    const { writer, batches } = writing();
    const first = [1, 2, 3].map((number) => writer.write({ block: block(number) }));
    await Promise.resolve();
    await Promise.resolve();
    const later = [4, 5].map((number) => writer.write({ block: block(number) }));
    await Promise.all([...first, ...later]);
    expect(batches.map(({ length }) => length)).toEqual([6, 4]);
  });

  it("tells what was written before anybody learns that it is", async () => {
    const { writer, log } = writing();
    await Promise.all([
      writer.write({ block: block(1) }).then(() => log.push("acknowledged")),
      writer.write({ pin: pin("a") }).then(() => log.push("acknowledged")),
    ]);
    expect(log).toEqual(["written", "told of 1 and 1", "acknowledged", "acknowledged"]);
  });

  it("writes a block that is here no second time, but its age, and writes over an altered one", async () => {
    const { writer, held, keys } = writing();
    const one = block(1);
    held.set(one.key, one.bytes);
    await writer.write({ block: one });
    held.set(one.key, Uint8Array.of(9));
    await Promise.all([writer.write({ block: one }), writer.write({ block: one })]);
    expect(keys()).toEqual([[bornKey(one.key)], [one.key, bornKey(one.key)]]);
    expect(held.get(one.key)).toEqual(one.bytes);
  });

  it("bounds a group in number and in bytes, so that small writes do not wait for many large ones", async () => {
    const many = writing();
    await Promise.all(Array.from({ length: 1_025 }, (_, i) => many.writer.write({ pin: pin(`${i}`) })));
    expect(many.batches.map(({ length }) => length)).toEqual([1_024, 1]);

    const large = writing();
    const bytes = new Uint8Array(MAX_BLOCK_BYTES);
    const puts = Array.from({ length: 9 }, (_, i) => large.writer.write({ block: { cid: block(i).cid, bytes } }));
    await Promise.all(puts);
    expect(large.batches.map(({ length }) => length)).toEqual([16, 2]);
  });

  it("runs work alone: after what was queued before it, and before what was queued after", async () => {
    const { writer, log } = writing();
    const all = [
      writer.write({ pin: pin("a") }),
      writer.alone(async () => {
        log.push("begins");
        await new Promise<void>((resolve) => setImmediate(resolve));
        log.push("ends");
      }),
      writer.write({ pin: pin("b") }),
    ];
    await Promise.all(all);
    const told = "told of 0 and 1";
    expect(log).toEqual(["written", told, "begins", "ends", "written", told]);
  });

  it("gives the result of work alone, or its failure, and goes on", async () => {
    const { writer, batches } = writing();
    expect(await writer.alone(async () => 7)).toBe(7);
    await expect(writer.alone(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    await writer.write({ pin: pin("a") });
    expect(batches).toHaveLength(1);
  });

  it("fails all writes of a group that the disk refuses, tells of none of them, and writes the next", async () => {
    const { writer, log, faults, batches } = writing();
    faults.batch = new Error("no space left");
    const refused = await Promise.allSettled([writer.write({ block: block(1) }), writer.write({ pin: pin("a") })]);
    for (const write of refused) {
      expect(write).toMatchObject({ reason: { kind: "no-space", details: "no space left", cause: faults.batch } });
    }
    expect(log).toEqual([]);
    delete faults.batch;
    await writer.write({ pin: pin("a") });
    expect(batches).toHaveLength(1);
  });

  it("writes anew what the engine cannot read, and fails if it cannot read for another reason", async () => {
    const { writer, held, faults, keys } = writing();
    const one = block(1);
    held.set(one.key, one.bytes);
    faults.getMany = new Error("Corruption: block checksum mismatch");
    await writer.write({ block: one });
    expect(keys()).toEqual([[one.key, bornKey(one.key)]]);
    faults.getMany = new Error("IO error");
    await expect(writer.write({ block: one })).rejects.toMatchObject({ kind: "storage", details: "IO error" });
  });

  it("gives large blocks their names before the database says that they are here, and takes them out of it", async () => {
    const { writer, held, log, keys } = writing();
    const { key } = block(1);
    held.set(key, block(1).bytes);
    const file = (path: string) => ({ key, bytes: new Uint8Array(5), path });
    await Promise.all([writer.write({ file: file("a"), pin: pin("a") }), writer.write({ block: block(2) })]);
    expect(log).toEqual(["named 1", "written", "told of 2 and 1"]);
    expect(keys()).toEqual([[block(2).key, bornKey(block(2).key), key, bornKey(key), pinKey("a")]]);
    expect(held.has(key)).toBe(false);
    expect(decodeBorn(held.get(bornKey(key)))).toMatchObject({ bytes: 5 });
  });

  it("removes the files of a group that the disk refuses, and names nothing in the database", async () => {
    const { writer, log, faults } = writing();
    faults.commit = Object.assign(new Error("no"), { code: "EIO" });
    const refused = writer.write({ file: { key: block(1).key, bytes: new Uint8Array(5), path: "a" } });
    await expect(refused).rejects.toMatchObject({ kind: "storage", cause: faults.commit });
    expect(log).toEqual(["discarded a"]);
  });

  it("is settled when all that was queued is written, and at once if nothing is", async () => {
    const { writer, batches } = writing();
    await writer.settled();
    const writes = [writer.write({ pin: pin("a") }), writer.alone(async () => undefined)];
    writes.push(writer.write({ pin: pin("b") }));
    await writer.settled();
    expect(batches).toHaveLength(2);
    await Promise.all(writes);
  });
});
