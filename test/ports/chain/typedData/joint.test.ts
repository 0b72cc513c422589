import { id } from "ethers";
import { describe, expect, it } from "vitest";
import { hashBatch } from "../../../../src/ports/chain/typedData/batch.js";
import { hashJoint, jointTree, openJoint } from "../../../../src/ports/chain/typedData/joint.js";
import { type Hex, verifyPosition } from "../../../../src/records/index.js";
import { NODE, OTHER } from "../../../records/samples.js";

const context = { chainId: 31_337, registry: "0x00000000000000000000000000000000000000A1" as const };
const batches = [NODE, OTHER].map((author, i) => ({
  index: 3 * i + 1,
  author,
  root: id(`root of ${author}`) as Hex,
  count: 3,
  manifest: id(`manifest of ${author}`) as Hex,
  signature: `0x${"00".repeat(65)}` as Hex,
}));
const manifest = { schema: "witan/batches/1" as const, batches };

describe("a joint anchor", () => {
  const { root } = jointTree(context, manifest);

  it("has the digest of each batch under its root, at its author's index and nowhere else", () => {
    const tree = openJoint(context, { root, batches: 2 }, manifest);
    for (const batch of batches) {
      const { index } = batch;
      const isAt = (position: number) => verifyPosition(root, position, hashBatch(context, batch), tree.path(index));
      expect([0, 1, 2, 3, 4, 5, 6, 7, 9, 12].filter(isAt)).toEqual([index]);
    }
  });

  it("is not that of a manifest with another root, number of batches, chain or registry", () => {
    const refused = expect.objectContaining({ code: "invalid-record" });
    expect(() => openJoint(context, { root: id("another root") as Hex, batches: 2 }, manifest)).toThrow(refused);
    expect(() => openJoint(context, { root, batches: 3 }, manifest)).toThrow(refused);
    expect(() => openJoint({ ...context, chainId: 1 }, { root, batches: 2 }, manifest)).toThrow(refused);
    expect(() => openJoint({ ...context, registry: OTHER }, { root, batches: 2 }, manifest)).toThrow(refused);
  });

  it("has another digest for every other epoch, root, number, manifest and deadline", () => {
    const message = { epoch: 1, root, batches: 2, manifest: id("manifest") as Hex, deadline: 1_795_000_000 };
    const digests = [
      message,
      { ...message, epoch: 2 },
      { ...message, root: id("another root") as Hex },
      { ...message, batches: 3 },
      { ...message, manifest: id("another manifest") as Hex },
      { ...message, deadline: 1_795_000_001 },
    ].map((each) => hashJoint(context, each));
    expect(new Set(digests).size).toBe(digests.length);
  });
});
