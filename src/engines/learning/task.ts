import type { Samples } from "./mnist.js";
import type { Shapes, WeightsTensors } from "./weights.js";

export interface TrainOptions {
  readonly epochs: number;
  readonly learningRate: number;
  readonly batchSize: number;
  /** The order of the samples follows from it. */
  readonly seed: number;
  /** Training rejects with its reason within a few batches. */
  readonly signal: AbortSignal;
}

export interface TaskMetrics {
  /** Share of samples told right. */
  readonly accuracy: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  readonly samples: number;
}

/** What is learned: a model, how it is trained and how it is tested. On one machine the same input gives the same bytes. */
export interface LearningTask {
  readonly name: string;
  readonly shapes: Shapes;
  /** Weights further than this from where a round began are refused. */
  readonly maxDistance: number;
  /** Nobody has more samples: whoever says so wants to outweigh the others, and is refused. */
  readonly maxSamples: number;
  init(seed: number): WeightsTensors;
  /** Gives way to other work between batches. The weights that it is given stay as they are. */
  train(weights: WeightsTensors, samples: Samples, options: TrainOptions): Promise<WeightsTensors>;
  evaluate(weights: WeightsTensors, samples: Samples): Promise<TaskMetrics>;
}
