import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeWeights, distance, encodeWeights, type WeightsTensors } from "../../../../src/engines/learning/index.js";
import { encodeSafetensors, float32Tensor } from "../../../../src/records/index.js";

const weightsOf = (values: readonly number[]): WeightsTensors => new Map([["w", Float32Array.from(values)]]);
const shapes = { w: [3] };
const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });

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
