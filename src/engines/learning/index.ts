export { LearningError, type LearningErrorKind } from "./errors.js";
export { loadMnist, type Samples } from "./models/mnist.js";
export { createPerceptron, mnistPerceptron, type PerceptronOptions } from "./models/perceptron.js";
export { digitsOf, type Shard, type ShardOptions, shardOf } from "./models/shards.js";
export { decodeWeights, distance, encodeWeights, type Shapes, type WeightsTensors } from "./models/weights.js";
export type { RefusedUpdate } from "./rounds/collect.js";
export {
  type Contribution,
  type CoordinateRoundsParameters,
  coordinateRounds,
  type EndedRound,
  type RoundModel,
} from "./rounds/coordinator.js";
export { fedAvg, type WeightedUpdate } from "./rounds/fedavg.js";
export type {
  ReceivedRoundMessage,
  RoundChannel,
  RoundEnding,
  RoundMessage,
  StartRoundOrder,
  WeightStore,
} from "./rounds/messages.js";
export { type ParticipateParameters, participate } from "./rounds/participant.js";
export type { LearningTask, TaskMetrics, TrainOptions } from "./task.js";
