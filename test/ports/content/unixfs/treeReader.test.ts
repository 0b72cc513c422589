import { describe, expect, it } from "vitest";
import { createMemoryContent } from "../../../../src/ports/content/index.js";
import { patience } from "../../../harness/patience.js";
import { bytesOf, startNode } from "../contentNodes.js";
import { putNode, readTree, source } from "./tree.js";

const refused = { kind: "invalid-cid", retryable: false };

describe("a tree that is read", () => {
  it("is what was stored: names, bytes, and what may be run; also of files without bytes and of several blocks", async () => {
    const store = createMemoryContent();
    const large = bytesOf(2_500_000);
    const files = [
      source("bin/run", "#!/bin/sh\n", true),
      source("bin/empty", "", true),
      source("lib/deep/ü 𝌆.mjs", "text"),
      source("none", ""),
      source("large", large),
    ];
    const stored = await store.putTree(files);
    expect(stored.files).toHaveLength(5);
    expect(stored.bytes).toBe(10 + 4 + 2_500_000);
    const read = await readTree(store.openTree(stored.cid, { maxBytes: stored.bytes, maxFiles: 5 }));
    expect([...read.keys()].sort()).toEqual(["bin/empty*", "bin/run*", "large", "lib/deep/ü 𝌆.mjs", "none"]);
    expect(read.get("large")).toBe(Buffer.from(large).toString());
    expect(read.get("lib/deep/ü 𝌆.mjs")).toBe("text");
    // The order of the files does not matter.
    expect((await store.putTree([...files].reverse())).cid).toBe(stored.cid);
  });

  it("has a sharded folder too", async () => {
    const store = createMemoryContent();
    const paths = Array.from({ length: 6_000 }, (_, i) => `many/${`file ${i}`.padEnd(40, ".")}`);
    const stored = await store.putTree(paths.map((path) => source(path, "x")));
    const found: string[] = [];
    for await (const { path } of store.openTree(stored.cid)) found.push(path);
    expect(new Set(found)).toEqual(new Set(paths));
  });

  it("opens only the files that are asked for, and loads no others", async () => {
    const blocks = new Map<string, Uint8Array>();
    const store = createMemoryContent(blocks);
    const { cid } = await store.putTree([source("a"), source("b")]);
    const other = await store.put(new TextEncoder().encode("b"), { codec: "raw" });
    blocks.delete(other);
    expect([...(await readTree(store.openTree(cid, { only: (path) => path === "a" }))).keys()]).toEqual(["a"]);
    await expect(readTree(store.openTree(cid))).rejects.toMatchObject({ kind: "missing" });
  });

  it("is refused over its bytes, its files or its depth", async () => {
    const store = createMemoryContent();
    const { cid } = await store.putTree([source("a", "12345"), source("b", "67890")]);
    expect((await readTree(store.openTree(cid, { maxBytes: 10, maxFiles: 2 }))).size).toBe(2);
    for (const limits of [{ maxBytes: 9 }, { maxFiles: 1 }])
      await expect(readTree(store.openTree(cid, limits))).rejects.toMatchObject({ kind: "too-large" });
    let deep = await putNode(store, "directory");
    for (let level = 0; level < 40; level++) deep = await putNode(store, "directory", [["d", deep]]);
    await expect(readTree(store.openTree(deep))).rejects.toMatchObject({ kind: "too-large" });
    // 4 KiB of blocks that name 16^8 paths.
    let wide = await putNode(store, "directory");
    for (let level = 0; level < 8; level++)
      wide = await putNode(
        store,
        "directory",
        Array.from({ length: 16 }, (_, i) => [`${i}`, wide] as const),
      );
    await expect(readTree(store.openTree(wide, { maxFiles: 100 }))).rejects.toMatchObject({ kind: "too-large" });
  });

  it.each(["..", ".", "a/b", "/etc", "", "a\\b", "a\0"])("is refused for a file of the name %j", async (name) => {
    const store = createMemoryContent();
    const leaf = await store.put(new Uint8Array([1]), { codec: "raw" });
    const cid = await putNode(store, "directory", [[name, leaf]]);
    await expect(readTree(store.openTree(cid))).rejects.toMatchObject(refused);
  });

  it("is refused with a symbolic link, a record, one name twice, or a shard that is a file", async () => {
    const store = createMemoryContent();
    const leaf = await store.put(new Uint8Array([1]), { codec: "raw" });
    const link = await putNode(store, "symlink", [], new TextEncoder().encode("/etc/passwd"));
    const record = await store.put(new Uint8Array([0xa0]), { codec: "dag-cbor" });
    for (const [type, links] of [
      ["directory", [["link", link]]],
      ["directory", [["record", record]]],
      [
        "directory",
        [
          ["a", leaf],
          ["a", leaf],
        ],
      ],
      ["hamt-sharded-directory", [["00", leaf]]],
    ] as const) {
      const cid = await putNode(store, type, links);
      await expect(readTree(store.openTree(cid)), `${type} ${links}`).rejects.toMatchObject(refused);
    }
    await expect(readTree(store.openTree(leaf))).rejects.toMatchObject(refused);
    await expect(readTree(store.openTree(await putNode(store, "file")))).rejects.toMatchObject(refused);
  });

  it("comes from peers, of which half serve nothing, and is held then", async () => {
    const publisher = await startNode();
    const { cid } = await publisher.putTree([source("a"), source("b/c", "c", true)], { keep: "release" });
    const empty = await startNode();
    const peers = [...publisher.multiaddrs(), ...empty.multiaddrs()];
    const host = await startNode({ peers });
    // Again where a busy machine lost a connection.
    const read = () => readTree(host.openTree(cid)).catch((error: unknown) => error);
    await expect.poll(read, patience).toEqual(
      new Map([
        ["a", "a"],
        ["b/c*", "c"],
      ]),
    );
    await publisher.close();
    expect((await readTree(host.openTree(cid))).size).toBe(2);
  });
});
