import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeWeights, distance, encodeWeights, type WeightsTensors } from "../../../src/engines/learning/index.js";
import { encodeSafetensors, float32Tensor } from "../../../src/records/index.js";
import type { toySamples } from "./world.js";

const weightsOf = (values: readonly number[]): WeightsTensors => new Map([["w", Float32Array.from(values)]]);
const shapes = { w: [3] };
const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
const _updates = fc.array(
  fc.record({
    weights: fc.array(finite, { minLength: 3, maxLength: 3 }).map(weightsOf),
    samples: fc.integer({ min: 1, max: 60_000 }),
  }),
  { minLength: 1, maxLength: 12 },
);

describe("weights in a file", () => {
  it("come back as they were, and the same weights make the same file", () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 3, maxLength: 3 }), (values) => {
        const bytes = encodeWeights(weightsOf(values), shapes);
        expect(decodeWeights(bytes, shapes)).toEqual(weightsOf(values));
        expect(distance(decodeWeights(bytes, shapes), weightsOf(values))).toBe(0);
      }),
    );
  });

  it("are refused when they are not the task's", () => {
    const one = float32Tensor("w", [3], Float32Array.of(1, 2, 3));
    const refused: [string, Uint8Array][] = [
      ["another name", encodeSafetensors([{ ...one, name: "v" }])],
      ["another shape", encodeSafetensors([{ ...one, shape: [3, 1] }])],
      ["another dtype", encodeSafetensors([{ ...one, dtype: "I32" }])],
      ["a tensor too many", encodeSafetensors([one, { ...one, name: "v" }])],
      ["none", encodeSafetensors([])],
      ["a number that is none", encodeWeights(weightsOf([1, Number.NaN, 3]), shapes)],
      ["an infinite number", encodeWeights(weightsOf([1, Number.POSITIVE_INFINITY, 3]), shapes)],
    ];
    for (const [what, bytes] of refused) {
      expect(() => decodeWeights(bytes, shapes), what).toThrow(
        expect.objectContaining({ code: "learning-bad-weights" }),
      );
    }
    expect(() => decodeWeights(new Uint8Array(3), shapes)).toThrow(/safetensors/);
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
