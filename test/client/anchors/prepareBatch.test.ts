import { describe, expect, it } from "vitest";
import { type NewRecord, prepareBatch } from "../../../src/client/anchors/prepareBatch.js";
import { ContentError, createMemoryContent, type PutOptions } from "../../../src/ports/content/index.js";
import { contentIdToCid, decodeManifest, encodeRecord, leafOf, verifyProof } from "../../../src/records/index.js";
import { reportOf } from "../../harness/catalogRows.js";
import { NODE, state } from "../../records/samples.js";

const records: NewRecord[] = [{ kind: "State", value: state }, reportOf("replica/a"), reportOf("replica/b")];

/** A store that notes what it is told to keep things as. */
function setting() {
  const blocks = new Map<string, Uint8Array>();
  const memory = createMemoryContent(blocks);
  const kept: (string | undefined)[] = [];
  const content = {
    ...memory,
    put(bytes: Uint8Array, options: PutOptions = {}) {
      kept.push(options.keep);
      return memory.put(bytes, options);
    },
  };
  return { blocks, content, kept };
}

describe("a batch", () => {
  it("stores every record and the manifest that lists them, to be kept as what they are", async () => {
    const { content, kept } = setting();
    const batch = await prepareBatch({ content }, NODE, records, undefined);
    expect(kept.sort()).toEqual(["manifest", "record", "record", "record"]);
    const manifest = decodeManifest(await content.get(contentIdToCid(batch.manifest)));
    expect(manifest).toMatchObject({ author: NODE });
    expect(manifest.leaves).toEqual(batch.records.map(({ kind, contentId }) => ({ kind, contentId })));
    for (const { cid } of batch.records) expect(await content.has(cid)).toBe(true);
  });

  it("proves each record under its root, as its author's", async () => {
    const batch = await prepareBatch(setting(), NODE, records, undefined);
    expect(batch.count).toBe(3);
    for (const { contentId, kind, leaf, proof } of batch.records) {
      expect(leaf).toBe(leafOf(NODE, kind, contentId));
      expect(verifyProof(batch.root, leaf, proof)).toBe(true);
    }
  });

  it("is the same whether its records come encoded or not", async () => {
    const encoded = records.map(({ kind, value }) => encodeRecord(kind, value));
    const [plain, ready] = await Promise.all(
      [records, encoded].map((each) => prepareBatch(setting(), NODE, each, undefined)),
    );
    expect(ready).toEqual(plain);
  });

  it("counts a record once that is given twice, and still answers for both", async () => {
    const { content, kept } = setting();
    const twice = await prepareBatch({ content }, NODE, [records[1], records[0], records[1]] as NewRecord[], undefined);
    expect([twice.count, twice.records.length, kept.length]).toEqual([2, 3, 3]);
    expect(twice.records[2]).toEqual(twice.records[0]);
  });
});

describe("what cannot be anchored", () => {
  it("is refused without a record", async () => {
    await expect(prepareBatch(setting(), NODE, [], undefined)).rejects.toMatchObject({ code: "invalid-input" });
  });

  it("is refused before anything is stored, if one of the records breaks its schema", async () => {
    const { blocks, content } = setting();
    const broken = { kind: "State", value: { ...state, cycle: -1 } } as NewRecord;
    await expect(prepareBatch({ content }, NODE, [...records, broken], undefined)).rejects.toMatchObject({
      code: "invalid-record",
    });
    expect(blocks.size).toBe(0);
  });

  it("fails with the store's own error", async () => {
    const full = new ContentError("storage", "The disk is full.");
    const content = { ...setting().content, put: () => Promise.reject(full) };
    await expect(prepareBatch({ content }, NODE, records, undefined)).rejects.toBe(full);
  });

  it("ends with the reason of a signal that aborts while it is stored", async () => {
    const controller = new AbortController();
    const { content } = setting();
    const aborting = {
      ...content,
      async put(bytes: Uint8Array) {
        controller.abort(new Error("enough"));
        return content.put(bytes);
      },
    };
    await expect(prepareBatch({ content: aborting }, NODE, records, controller.signal)).rejects.toThrow("enough");
  });
});
