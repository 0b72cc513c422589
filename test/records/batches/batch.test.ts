import { describe, expect, it } from "vitest";
import { openBatch } from "../../../src/records/batches/batch.js";
import { type Address, buildTree, leafOf, verifyProof } from "../../../src/records/index.js";
import { idOf, NODE, OTHER } from "../samples.js";

describe("the batch of an anchor", () => {
  const leaves = ["one", "two", "three"].map((text) => ({ kind: "Incident" as const, contentId: idOf(text) }));
  const manifest = { author: NODE, leaves };
  const { root } = buildTree(leaves.map(({ kind, contentId }) => leafOf(NODE, kind, contentId)));
  const anchor = { author: NODE, root, count: 3 };

  it("is opened, with a proof for each of its records", () => {
    const { leaves, tree } = openBatch(anchor, manifest);
    for (const [i, leaf] of leaves.entries()) expect(verifyProof(root, leaf, tree.proof(i))).toBe(true);
  });

  it("is opened if only the checksum of its author's address differs", () => {
    expect(openBatch({ ...anchor, author: NODE.toLowerCase() as Address }, manifest).tree.root).toBe(root);
  });

  it.each([
    ["author", { ...anchor, author: OTHER }],
    ["leaves", { ...anchor, root: idOf("another root") }],
    ["leaves", { ...anchor, count: 4 }],
  ])("is refused if its %s and the anchor disagree", (path, other) => {
    expect(() => openBatch(other, manifest)).toThrow(expect.objectContaining({ code: "invalid-record", path }));
  });
});
