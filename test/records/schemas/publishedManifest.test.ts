import { describe, expect, it } from "vitest";
import {
  publishedManifestSchema,
  type ReleaseManifest,
  type TaskManifest,
} from "../../../src/records/schemas/publishedManifest.js";

const release: ReleaseManifest = {
  schema: "witan/release/1",
  workload: "web",
  release: { name: "v2", command: ["node", "web.mjs"], sha256: `0x${"a1".repeat(32)}` },
};
const task: TaskManifest = {
  schema: "witan/task/1",
  name: "mnist",
  tensors: [
    { name: "weight", shape: [10, 784] },
    { name: "bias", shape: [10] },
  ],
  maxDistance: 20,
  maxSamples: 60_000,
};
const accepts = (value: object) => publishedManifestSchema.safeParse(value).success;
const tensors = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `layer ${i}`, shape: [1] }));
const shape = (rank: number) => [{ name: "deep", shape: Array.from({ length: rank }, () => 1) }];

describe("a published manifest", () => {
  it("is of a release or of a task, and comes out as it was written", () => {
    for (const each of [release, task]) expect(publishedManifestSchema.parse(each)).toEqual(each);
  });

  it.each<[string, object]>([
    ["that names no schema", { ...release, schema: undefined }],
    ["that is a record", { ...release, schema: "witan/state/1" }],
    ["of a release with the fields of a task", { ...task, schema: "witan/release/1" }],
    ["with a field that there is not", { ...release, author: "me" }],
    ["of a release for no workload", { ...release, workload: "" }],
    ["of a release without an entry file", { ...release, release: { ...release.release, command: ["node"] } }],
    ["of a task whose name does not go on chain", { ...task, name: "hand written digits" }],
    ["of a task without tensors", { ...task, tensors: [] }],
    ["of a task with one tensor twice", { ...task, tensors: [...task.tensors, { name: "bias", shape: [1] }] }],
    ["of a task with half a dimension", { ...task, tensors: [{ name: "bias", shape: [0.5] }] }],
    ["of a task that takes no update", { ...task, maxDistance: 0 }],
    ["of a task that takes every update", { ...task, maxDistance: Number.POSITIVE_INFINITY }],
    ["of a task with half a sample", { ...task, maxSamples: 0.5 }],
  ])("is refused %s", (_what, value) => {
    expect(accepts(value)).toBe(false);
  });

  it("has a bounded number of tensors and of their dimensions", () => {
    expect([accepts({ ...task, tensors: tensors(1_024) }), accepts({ ...task, tensors: tensors(1_025) })]).toEqual([
      true,
      false,
    ]);
    expect([accepts({ ...task, tensors: shape(8) }), accepts({ ...task, tensors: shape(9) })]).toEqual([true, false]);
  });
});
