import { describe, expect, it } from "vitest";
import { encodeWeights, type WeightsTensors } from "../../../../src/engines/learning/index.js";
import { toy, toySamples } from "../toyTask.js";

const weightsOf = (values: readonly number[]): WeightsTensors => new Map([["w", Float32Array.from(values)]]);

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
