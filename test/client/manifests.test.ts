import { describe, expect, it } from "vitest";
import { fetchManifest, publishManifest } from "../../src/client/index.js";
import { createJsonContent, createMemoryContent } from "../../src/ports/content/index.js";
import { codecOfCid, type ReleaseManifest, type TaskManifest } from "../../src/records/index.js";

const release: ReleaseManifest = {
  schema: "witan/release/1",
  workload: "web",
  release: { name: "v1", command: ["node", "server.mjs"], sha256: `0x${"ab".repeat(32)}` },
};
const task: TaskManifest = {
  schema: "witan/task/1",
  name: "mnist",
  tensors: [
    { name: "hidden", shape: [784, 64] },
    { name: "bias", shape: [64] },
  ],
  maxDistance: 12.5,
  maxSamples: 60_000,
};

describe("a published manifest", () => {
  it.each([release, task])("of $schema is fetched as it was published, under one CID", async (manifest) => {
    const content = createMemoryContent();
    const cid = await publishManifest({ content, manifest });
    expect(codecOfCid(cid)).toBe("json");
    expect(await fetchManifest({ content, cid })).toEqual(manifest);
    const reordered = Object.fromEntries(Object.entries(manifest).reverse()) as unknown as typeof manifest;
    expect(await publishManifest({ content, manifest: reordered })).toBe(cid);
  });

  it.each([
    ["another schema", { ...release, schema: "witan/release/2" }],
    ["a further field", { ...release, more: 1 }],
    ["a wrong hash", { ...release, release: { ...release.release, sha256: "0x12" } }],
    ["no tensors", { ...task, tensors: [] }],
    ["a tensor twice", { ...task, tensors: [task.tensors[0], task.tensors[0]] }],
    ["a negative shape", { ...task, tensors: [{ name: "a", shape: [-1] }] }],
    ["a list", [release]],
  ])("is refused with %s, on the way in and on the way out", async (_what, value) => {
    const content = createMemoryContent();
    const wrong = { code: "invalid-record" };
    const publish = async () => publishManifest({ content, manifest: value as unknown as ReleaseManifest });
    await expect(publish()).rejects.toMatchObject(wrong);
    const cid = await createJsonContent(content).put(value);
    await expect(fetchManifest({ content, cid })).rejects.toMatchObject(wrong);
  });

  it("is not fetched from a block of another codec", async () => {
    const content = createMemoryContent();
    const cid = await content.put(new Uint8Array([0xa0]));
    await expect(fetchManifest({ content, cid })).rejects.toMatchObject({ code: "content-invalid-cid" });
  });
});
