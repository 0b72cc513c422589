import { createPerceptron, type Samples, type StartRoundOrder } from "../../../src/engines/learning/index.js";
import { seededRandom } from "../../../src/engines/learning/models/random.js";
import type { Address, Hex } from "../../../src/records/index.js";

export const directive: Hex = `0x${"d1".repeat(32)}`;
export const addressOf = (index: number): Address => `0x${(index + 1).toString(16).padStart(40, "0")}`;

/** Points of a plane in three clouds: small enough that a round takes milliseconds. */
export const toy = createPerceptron({
  name: "toy",
  inputs: 2,
  hidden: 8,
  classes: 3,
  maxDistance: 50,
  maxSamples: 500,
});

export function toySamples(seed: number, count = 60, classes: readonly number[] = [0, 1, 2]): Samples {
  const random = seededRandom(seed);
  const centres = [
    [40, 40],
    [210, 60],
    [120, 220],
  ] as const;
  const labels = Uint8Array.from({ length: count }, (_, i) => classes[i % classes.length] ?? 0);
  const images = new Uint8Array(count * 2);
  labels.forEach((label, i) => {
    for (const axis of [0, 1] as const)
      images[i * 2 + axis] = (centres[label]?.[axis] ?? 0) + Math.floor(random() * 30);
  });
  return { images, labels };
}

export const toyOrder: StartRoundOrder = {
  kind: "StartRound",
  task: "toy",
  base: null,
  firstRound: 1,
  rounds: 3,
  minParticipants: 2,
  timeoutSeconds: 30,
  localEpochs: 5,
  learningRate: 0.5,
  batchSize: 10,
  seed: 11,
};
