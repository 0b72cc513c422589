import { LearningError } from "../errors.js";
import type { WeightsTensors } from "../models/weights.js";

/** One participant's weights and the number of samples they were trained on. */
export interface WeightedUpdate {
  readonly weights: WeightsTensors;
  readonly samples: number;
}

/**
 * Federated averaging (McMahan et al., arXiv 1602.05629): sum n_i x_i / sum n_i. Added up in 64-bit floats in the order
 * given, so that every node gets the same bytes from the same updates.
 *
 * @throws {LearningError} `no-updates` if there are none.
 */
export function fedAvg(updates: readonly WeightedUpdate[]): WeightsTensors {
  const total = updates.reduce((sum, { samples }) => sum + samples, 0);
  const [first] = updates;
  if (first === undefined || total <= 0) throw new LearningError("no-updates", "There are no updates to average.");
  return new Map(
    [...first.weights].map(([name, { length }]) => {
      const sums = new Float64Array(length);
      for (const { weights, samples } of updates) {
        const values = weights.get(name);
        if (values?.length !== length)
          throw new LearningError("bad-weights", `The updates differ in the shape of ${name}.`);
        for (let i = 0; i < length; i++) sums[i] = (sums[i] ?? 0) + samples * (values[i] ?? 0);
      }
      return [name, Float32Array.from(sums, (sum) => sum / total)];
    }),
  );
}
