import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeWeights,
  digitsOf,
  distance,
  encodeWeights,
  fedAvg,
  LearningError,
  shardOf,
  type WeightedUpdate,
  type WeightsTensors,
} from "../../../src/engines/learning/index.js";
import { encodeSafetensors, float32Tensor } from "../../../src/records/index.js";
import { toy, toySamples } from "./world.js";

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

describe("a perceptron", () => {
  const options = { epochs: 10, learningRate: 0.5, batchSize: 10, seed: 4, signal: new AbortController().signal };

  it("learns, and leaves the weights that it starts from as they are", async () => {
    const start = toy.init(1);
    const before = encodeWeights(start, toy.shapes);
    const trained = await toy.train(start, toySamples(1, 90), options);
    expect(encodeWeights(start, toy.shapes)).toEqual(before);
    const [worse, better] = await Promise.all(
      [start, trained].map((weights) => toy.evaluate(weights, toySamples(2, 90))),
    );
    expect(better?.accuracy).toBeGreaterThan(0.9);
    expect(better?.loss).toBeLessThan(worse?.loss ?? 0);
  });

  it("makes the same bytes of the same seed, also when others train beside it", async () => {
    const once = () => toy.train(toy.init(1), toySamples(1, 90), options);
    const alone = encodeWeights(await once(), toy.shapes);
    const beside = await Promise.all([once(), toy.train(toy.init(2), toySamples(5), options), once()]);
    expect(encodeWeights(beside[0], toy.shapes)).toEqual(alone);
    expect(encodeWeights(beside[2], toy.shapes)).toEqual(alone);
    const other = await toy.train(toy.init(1), toySamples(1, 90), { ...options, seed: 5 });
    expect(encodeWeights(other, toy.shapes)).not.toEqual(alone);
  });

  it("tests as a plain calculation does, on any number of samples", async () => {
    const weights = toy.init(6);
    const samples = toySamples(8, 503);
    const plain = plainly(weights, samples);
    const tested = await toy.evaluate(weights, samples);
    expect(tested.samples).toBe(503);
    expect(tested.accuracy).toBeCloseTo(plain.accuracy, 10);
    expect(tested.loss).toBeCloseTo(plain.loss, 4);
    expect(await toy.evaluate(weights, { images: new Uint8Array(), labels: new Uint8Array() })).toEqual({
      accuracy: 0,
      loss: 0,
      samples: 0,
    });
  });

  it("gives way to other work while it trains, and stops when it is told to", async () => {
    const stop = new AbortController();
    let turns = 0;
    const count = () => {
      if (++turns === 5) stop.abort(new Error("the round has ended"));
      else setImmediate(count);
    };
    setImmediate(count);
    const endless = toy.train(toy.init(1), toySamples(1), { ...options, epochs: 1_000_000, signal: stop.signal });
    await expect(endless).rejects.toThrow("the round has ended");
  });

  it("refuses no samples, and weights of another task", async () => {
    const nothing = { images: new Uint8Array(), labels: new Uint8Array() };
    await expect(toy.train(toy.init(1), nothing, options)).rejects.toMatchObject({ code: "invalid-input" });
    await expect(toy.evaluate(weightsOf([1, 2, 3]), toySamples(1))).rejects.toMatchObject({
      code: "learning-bad-weights",
    });
  });
});

/** The same network in a few lines without a library, against which the library's is held. */
function plainly(
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
