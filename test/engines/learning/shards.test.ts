import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digitsOf, shardOf, type WeightsTensors } from "../../../src/engines/learning/index.js";
import type { toySamples } from "./world.js";

const weightsOf = (values: readonly number[]): WeightsTensors => new Map([["w", Float32Array.from(values)]]);
const _shapes = { w: [3] };
const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
const _updates = fc.array(
  fc.record({
    weights: fc.array(finite, { minLength: 3, maxLength: 3 }).map(weightsOf),
    samples: fc.integer({ min: 1, max: 60_000 }),
  }),
  { minLength: 1, maxLength: 12 },
);

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

/** The same network in a few lines without a library, against which the library's is held. */
function _plainly(
  weights: WeightsTensors,
  { images, labels }: ReturnType<typeof toySamples>,
): { accuracy: number; loss: number } {
  const [w1, b1, w2, b2] = ["hidden.weight", "hidden.bias", "output.weight", "output.bias"].map(
    (name) => weights.get(name) ?? new Float32Array(),
  );
  let right = 0;
  let loss = 0;
  labels.forEach((label, n) => {
    const hidden = Array.from({ length: 8 }, (_, j) =>
      Math.max(
        0,
        [0, 1].reduce((sum, i) => sum + ((images[n * 2 + i] ?? 0) / 255) * (w1?.[i * 8 + j] ?? 0), b1?.[j] ?? 0),
      ),
    );
    const scores = [0, 1, 2].map((k) => hidden.reduce((sum, h, j) => sum + h * (w2?.[j * 3 + k] ?? 0), b2?.[k] ?? 0));
    if (scores.indexOf(Math.max(...scores)) === label) right++;
    loss -= (scores[label] ?? 0) - Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0));
  });
  return { accuracy: right / labels.length, loss: loss / labels.length };
}
