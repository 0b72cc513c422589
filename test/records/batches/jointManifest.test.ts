import { describe, expect, it } from "vitest";
import {
  type JointBatch,
  type JointManifest,
  jointManifestSchema,
} from "../../../src/records/batches/jointManifest.js";
import { MAX_JOINT_BATCHES } from "../../../src/records/schemas/bounds.js";

const batch: JointBatch = {
  index: 1,
  author: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
  root: `0x${"a1".repeat(32)}`,
  count: 3,
  manifest: `0x${"b2".repeat(32)}`,
  signature: `0x${"c3".repeat(65)}`,
};
const other: JointBatch = { ...batch, index: 3, author: `0x${"22".repeat(20)}` };
const manifest = (batches: readonly object[]) => ({ schema: "witan/batches/1", batches });
const accepts = (value: object) => jointManifestSchema.safeParse(value).success;

describe("the manifest of a joint anchor", () => {
  it("comes out as it was written", () => {
    const written: JointManifest = { schema: "witan/batches/1", batches: [batch, other] };
    expect(jointManifestSchema.parse(written)).toEqual(written);
  });

  it("may have equal batches of two authors: they saw the same", () => {
    expect(accepts(manifest([batch, { ...batch, index: 2, author: other.author }]))).toBe(true);
  });

  it("has one batch of each author, whatever the case of its address", () => {
    expect(accepts(manifest([batch, other, { ...batch, index: 5, root: other.manifest }]))).toBe(false);
    expect(accepts(manifest([batch, { ...batch, index: 2, author: batch.author.toLowerCase() }]))).toBe(false);
  });

  it("has one batch at each index, in the order of indices", () => {
    expect(accepts(manifest([other, batch]))).toBe(false);
    expect(accepts(manifest([batch, { ...other, index: batch.index }]))).toBe(false);
  });

  it.each<[string, object]>([
    ["of another schema", { ...manifest([batch]), schema: "witan/batch/1" }],
    ["without a batch", manifest([])],
    ["with a field that there is not", { ...manifest([batch]), root: batch.root }],
    ["with a batch of no records", manifest([{ ...batch, count: 0 }])],
    ["with a batch that nobody signed", manifest([{ ...batch, signature: undefined }])],
    ["with a signature of 64 bytes", manifest([{ ...batch, signature: `0x${"c3".repeat(64)}` }])],
    ["with a root in capitals", manifest([{ ...batch, root: `0x${"A1".repeat(32)}` }])],
    ["with an index that the registry does not have", manifest([{ ...batch, index: 2 ** 32 }])],
    ["with a batch that tells more", manifest([{ ...batch, epoch: 1 }])],
  ])("is refused %s", (_what, value) => {
    expect(accepts(value)).toBe(false);
  });

  it("has 512 batches, and not one more", () => {
    const batches = Array.from({ length: MAX_JOINT_BATCHES + 1 }, (_, i) => ({
      ...batch,
      index: i,
      author: `0x${(i + 1).toString(16).padStart(40, "0")}`,
    }));
    expect([accepts(manifest(batches.slice(1))), accepts(manifest(batches))]).toEqual([true, false]);
  });
});
