import type { Samples } from "./models/mnist.js";
import type { Shapes, WeightsTensors } from "./models/weights.js";

export interface TrainOptions {
  readonly epochs: number;
  readonly learningRate: number;
  readonly batchSize: number;
  /** Determines the order of the samples. */
  readonly seed: number;
  /** If it aborts, training rejects with its reason within a few batches. */
  readonly signal: AbortSignal;
}

export interface TaskMetrics {
  /** Share of samples classified correctly. */
  readonly accuracy: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  readonly samples: number;
}

/** A model, how it is trained and how it is tested. On one machine the same input gives the same bytes. */
export interface LearningTask {
  readonly name: string;
  readonly shapes: Shapes;
  /** Updates whose Euclidean distance from the round's base is greater are refused. */
  readonly maxDistance: number;
  /** More samples than any node has: an update that claims more, to outweigh the others, is refused. */
  readonly maxSamples: number;
  init(seed: number): WeightsTensors;
  /** Yields to the event loop between batches. Does not change `weights`. */
  train(weights: WeightsTensors, samples: Samples, options: TrainOptions): Promise<WeightsTensors>;
  evaluate(weights: WeightsTensors, samples: Samples): Promise<TaskMetrics>;
}
