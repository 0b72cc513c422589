import { id, Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { hashBatch, isSignedByAuthor, signBatchMessage } from "../../../../src/ports/chain/typedData/batch.js";
import type { Address, Hex } from "../../../../src/records/index.js";

const author = new Wallet(id("author"));
const other = new Wallet(id("another author"));
const context = { chainId: 31_337, registry: "0x00000000000000000000000000000000000000A1" as const };
const batch = { author: author.address as Address, root: id("root") as Hex, count: 3, manifest: id("manifest") as Hex };

describe("a batch", () => {
  it("is signed by its author for one chain, registry and content", async () => {
    const signature = await signBatchMessage(author, context, batch);
    expect(isSignedByAuthor(context, batch, signature)).toBe(true);
    expect(isSignedByAuthor(context, { ...batch, author: author.address.toLowerCase() as Address }, signature)).toBe(
      true,
    );
    for (const [where, what] of [
      [{ ...context, chainId: 1 }, batch],
      [{ ...context, registry: "0x00000000000000000000000000000000000000A2" as const }, batch],
      [context, { ...batch, author: other.address as Address }],
      [context, { ...batch, root: id("another root") as Hex }],
      [context, { ...batch, count: 4 }],
      [context, { ...batch, manifest: id("another manifest") as Hex }],
      [context, { ...batch, deadline: 1 }],
    ] as const) {
      expect(isSignedByAuthor(where, what, signature)).toBe(false);
      expect(hashBatch(where, what)).not.toBe(hashBatch(context, batch));
    }
  });

  it("is not signed by another account, nor by malformed bytes", async () => {
    expect(isSignedByAuthor(context, batch, await signBatchMessage(other, context, batch))).toBe(false);
    expect(isSignedByAuthor(context, batch, "0x")).toBe(false);
    expect(isSignedByAuthor(context, batch, `0x${"00".repeat(65)}`)).toBe(false);
  });
});
