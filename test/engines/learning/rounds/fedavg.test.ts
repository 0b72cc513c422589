import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeWeights,
  fedAvg,
  LearningError,
  type WeightedUpdate,
  type WeightsTensors,
} from "../../../../src/engines/learning/index.js";

const weightsOf = (values: readonly number[]): WeightsTensors => new Map([["w", Float32Array.from(values)]]);
const shapes = { w: [3] };
const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
const updates = fc.array(
  fc.record({
    weights: fc.array(finite, { minLength: 3, maxLength: 3 }).map(weightsOf),
    samples: fc.integer({ min: 1, max: 60_000 }),
  }),
  { minLength: 1, maxLength: 12 },
);

describe("federated averaging", () => {
  it("is the mean by samples, and lies between the least and the greatest", () => {
    fc.assert(
      fc.property(updates, (all: readonly WeightedUpdate[]) => {
        const mean = fedAvg(all).get("w") ?? [];
        const total = all.reduce((sum, { samples }) => sum + samples, 0);
        for (const i of [0, 1, 2]) {
          const values = all.map(({ weights }) => weights.get("w")?.[i] ?? Number.NaN);
          const exact = all.reduce((sum, { samples }, n) => sum + (samples / total) * (values[n] ?? 0), 0);
          expect(Math.abs((mean[i] ?? Number.NaN) - exact)).toBeLessThanOrEqual(
            1e-6 * Math.max(1, ...values.map(Math.abs)),
          );
          expect(mean[i]).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6 * Math.abs(Math.min(...values)));
          expect(mean[i]).toBeLessThanOrEqual(Math.max(...values) + 1e-6 * Math.abs(Math.max(...values)));
        }
      }),
    );
  });

  it("gives an update back that is alone, and the same bytes each time", () => {
    fc.assert(
      fc.property(updates, (all: readonly WeightedUpdate[]) => {
        expect(encodeWeights(fedAvg(all), shapes)).toEqual(encodeWeights(fedAvg(all), shapes));
        const [first] = all;
        // -0 comes back as 0: a sum starts at 0.
        if (first) expect(fedAvg([first]).get("w")).toEqual(first.weights.get("w")?.map((value) => value + 0));
      }),
    );
  });

  it("refuses nothing to average, and updates of different shapes", () => {
    expect(() => fedAvg([])).toThrow(LearningError);
    const two = [
      { weights: weightsOf([1, 2, 3]), samples: 1 },
      { weights: weightsOf([1]), samples: 1 },
    ];
    expect(() => fedAvg(two)).toThrow(/shape of w/);
  });
});
