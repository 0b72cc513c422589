import { beforeAll, describe, expect, it } from "vitest";
import { aggregateSignatures, type NodeSignature } from "../../../src/client/transactions/aggregateSignatures.js";
import { indicesOf } from "../../../src/ports/chain/bitset.js";
import { type BlsLibrary, encodeG2, loadBls } from "../../../src/ports/keys/index.js";

const digest = new Uint8Array(32).fill(7);
let bls: BlsLibrary;
let signed: (index: number) => NodeSignature;
beforeAll(async () => {
  bls = await loadBls();
  signed = (index) => ({ index, signature: bls.sign(new Uint8Array(32).fill(index + 1), digest) });
});

describe("signatures of many nodes", () => {
  it("come to one, and to the set of who signed", async () => {
    const { bits, signature } = await aggregateSignatures([signed(2), signed(0)]);
    expect(indicesOf(bits)).toEqual([0, 2]);
    expect(signature).toEqual(encodeG2(bls.aggregate([signed(0).signature, signed(2).signature])));
  });

  it("come to the same in every order", async () => {
    const orders = [
      [0, 1, 2],
      [2, 0, 1],
    ];
    const [first, second] = await Promise.all(orders.map((order) => aggregateSignatures(order.map(signed))));
    expect(first).toEqual(second);
  });

  it("have room for an index beyond one word", async () => {
    const high = { ...signed(0), index: 256 };
    expect((await aggregateSignatures([high])).bits).toEqual([0n, 1n]);
  });
});

describe("what is no set of signatures", () => {
  it.each<[string, (good: NodeSignature) => NodeSignature[]]>([
    ["none", () => []],
    ["one node's twice", (good) => [good, good]],
    ["one that is too short", (good) => [{ ...good, signature: good.signature.slice(1) }]],
    ["an index below zero", (good) => [{ ...good, index: -1 }]],
    ["an index between two", (good) => [{ ...good, index: 0.5 }]],
    ["an index that no transaction holds", (good) => [{ ...good, index: 0x100_0000 }]],
  ])("is refused: %s", async (_what, make) => {
    await expect(aggregateSignatures(make(signed(0)))).rejects.toMatchObject({ code: "invalid-input" });
  });
});
