import { describe, expect, it } from "vitest";
import { createMemoryContent, fileCidOf } from "../../../../src/ports/content/index.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { openDisk } from "../contentNodes.js";
import { source } from "./tree.js";

describe("a tree that is stored", () => {
  it("shares the blocks of its files with files of their own", async () => {
    const blocks = new Map<string, Uint8Array>();
    const store = createMemoryContent(blocks);
    const bytes = new Uint8Array(1_500_000).fill(7);
    await store.putTree([source("file", bytes), source("program", bytes, true)]);
    const file = fileCidOf(
      (async function* () {
        yield bytes;
      })(),
    );
    expect(blocks.has(await file)).toBe(true);
    // Two leaves, the file over them, the same with a mode, and the folder.
    expect(blocks.size).toBe(5);
  });

  it("has no path twice, none that leaves it, and at least one file", async () => {
    const store = createMemoryContent();
    for (const files of [[], [source("a"), source("a")], [source("../a")], [source("/a")]])
      await expect(store.putTree(files)).rejects.toMatchObject({ code: "invalid-input" });
  });

  it("is pinned as a whole, so that a collection spares it", async () => {
    const store = await openDisk(temporaryFolder());
    const { cid } = await store.putTree([source("a"), source("b/c")], { keep: "release" });
    expect(await store.pins.get(`release/${cid}`)).toMatchObject({ cid, reason: "release", scope: "tree" });
    await store.putTree([source("other")]);
    await store.gc({ graceMs: 0 });
    const paths: string[] = [];
    for await (const { path } of store.openTree(cid)) paths.push(path);
    expect(paths).toEqual(["a", "b/c"]);
  });
});
