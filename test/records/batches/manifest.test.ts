import { describe, expect, it } from "vitest";
import { type BatchManifest, manifestSchema } from "../../../src/records/batches/manifest.js";
import { contentIdOf, contentIdToCid } from "../../../src/records/contentId.js";
import { MAX_BATCH_LEAVES } from "../../../src/records/schemas/bounds.js";
import { RecordKinds } from "../../../src/records/types.js";

const idOf = (number: number) => contentIdOf(new TextEncoder().encode(`${number}`));
const author = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
const leaf = { kind: "State", contentId: idOf(0) } as const;
const manifest: BatchManifest = { schema: "witan/batch/1", author, leaves: [leaf] };
const accepts = (change: object) => manifestSchema.safeParse({ ...manifest, ...change }).success;

describe("the manifest of a batch", () => {
  it("comes out as it was written, the records in their order, the author with its checksum", () => {
    const leaves = [2, 0, 1].map((number) => ({ kind: "Incident" as const, contentId: idOf(number) }));
    expect(manifestSchema.parse({ ...manifest, leaves })).toEqual({ ...manifest, leaves });
    expect(manifestSchema.parse({ ...manifest, author: author.toLowerCase() }).author).toBe(author);
  });

  it("lists records of every kind; one block may be a record of two kinds", () => {
    const leaves = RecordKinds.map((kind) => ({ kind, contentId: idOf(0) }));
    expect(accepts({ leaves })).toBe(true);
  });

  it.each<[string, object]>([
    ["of another schema", { schema: "witan/batches/1" }],
    ["without an author", { author: undefined }],
    ["without a record", { leaves: [] }],
    ["with one record twice", { leaves: [leaf, { kind: "Model", contentId: idOf(1) }, leaf] }],
    ["with a kind that there is not", { leaves: [{ ...leaf, kind: "Manifest" }] }],
    ["with a CID for a ContentId", { leaves: [{ ...leaf, contentId: contentIdToCid(idOf(0)) }] }],
    ["with a leaf that tells more", { leaves: [{ ...leaf, author }] }],
    ["with a field that there is not", { root: idOf(7) }],
  ])("is refused %s", (_what, change) => {
    expect(accepts(change)).toBe(false);
  });

  it("lists 1024 records, and not one more", () => {
    const leaves = Array.from({ length: MAX_BATCH_LEAVES + 1 }, (_, i) => ({ ...leaf, contentId: idOf(i) }));
    expect([accepts({ leaves: leaves.slice(1) }), accepts({ leaves })]).toEqual([true, false]);
  });
});
