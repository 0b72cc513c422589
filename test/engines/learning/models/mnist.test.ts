import { expect, it } from "vitest";
import { fedAvg, loadMnist, mnistPerceptron, shardOf } from "../../../../src/engines/learning/index.js";

it("reads the full MNIST: 60,000 images to train on and 10,000 to test with", async () => {
  const [train, test] = await Promise.all([loadMnist("train"), loadMnist("test")]);
  expect([train.labels.length, train.images.length]).toEqual([60_000, 60_000 * 784]);
  expect([test.labels.length, test.images.length]).toEqual([10_000, 10_000 * 784]);
  // The published first digits of each part, and how many ones there are to test with.
  expect([...train.labels.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
  expect([...test.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
  expect(test.labels.filter((digit) => digit === 1)).toHaveLength(1_135);
});

it("five nodes of which none holds all ten digits learn to tell 80 % of the test images in two rounds", async () => {
  const [all, test] = await Promise.all([loadMnist("train"), loadMnist("test")]);
  const shards = [0, 1, 2, 3, 4].map((index) => shardOf(all, index, { shards: 5, seed: 7 }));
  const signal = new AbortController().signal;
  let weights = mnistPerceptron.init(7);
  for (const round of [1, 2]) {
    const updates = [];
    for (const { train, digits } of shards) {
      expect(digits).toHaveLength(6);
      const options = { epochs: 1, learningRate: 0.2, batchSize: 32, seed: 7 + round, signal };
      updates.push({ weights: await mnistPerceptron.train(weights, train, options), samples: train.labels.length });
    }
    weights = fedAvg(updates);
  }
  const { accuracy } = await mnistPerceptron.evaluate(weights, test);
  expect(accuracy).toBeGreaterThanOrEqual(0.8);
});
