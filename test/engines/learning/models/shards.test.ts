import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digitsOf, shardOf } from "../../../../src/engines/learning/index.js";

describe("data split by label skew", () => {
  const all = {
    images: Uint8Array.from({ length: 400 * 784 }, (_, i) => Math.floor(i / 784) % 251),
    labels: Uint8Array.from({ length: 400 }, (_, i) => (i * 7) % 10),
  };

  it("gives no part all ten digits, and all parts together each digit", () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.integer({ min: 2, max: 20 }), (seed, shards) => {
        const parts = digitsOf({ shards, seed });
        expect(new Set(parts.flat()).size).toBe(10);
        for (const part of parts) expect(new Set(part).size).toBe(6);
      }),
    );
  });

  it("gives each sample to one part, as training or as held out, and a tenth is held out", () => {
    const shards = 5;
    const parts = Array.from({ length: shards }, (_, index) => shardOf(all, index, { shards, seed: 3 }));
    const count = parts.reduce((sum, { train, heldOut }) => sum + train.labels.length + heldOut.labels.length, 0);
    expect(count).toBe(400);
    for (const { digits, train, heldOut } of parts) {
      const own = train.labels.length + heldOut.labels.length;
      expect(heldOut.labels.length).toBe(Math.floor(own / 10));
      for (const label of [...train.labels, ...heldOut.labels]) expect(digits).toContain(label);
      expect(train.images.length).toBe(train.labels.length * 784);
    }
  });

  it("is the same for the same seed, and another for another", () => {
    const options = { shards: 5, seed: 3 };
    expect(shardOf(all, 1, options)).toEqual(shardOf(all, 1, options));
    expect(shardOf(all, 1, options)).not.toEqual(shardOf(all, 1, { ...options, seed: 4 }));
  });
});
