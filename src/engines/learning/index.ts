export type { RefusedUpdate } from "./collect.js";
export {
  type Contribution,
  type CoordinateRoundsParameters,
  coordinateRounds,
  type EndedRound,
  type RoundModel,
} from "./coordinator.js";
export { LearningError, type LearningErrorKind } from "./errors.js";
export { fedAvg, type WeightedUpdate } from "./fedavg.js";
export type {
  ReceivedRoundMessage,
  RoundChannel,
  RoundEnding,
  RoundMessage,
  StartRoundOrder,
  WeightStore,
} from "./messages.js";
export { loadMnist, type Samples } from "./mnist.js";
export { type ParticipateParameters, participate } from "./participant.js";
export { createPerceptron, mnistPerceptron, type PerceptronOptions } from "./perceptron.js";
export { digitsOf, type Shard, type ShardOptions, shardOf } from "./shards.js";
export type { LearningTask, TaskMetrics, TrainOptions } from "./task.js";
export { decodeWeights, distance, encodeWeights, type Shapes, type WeightsTensors } from "./weights.js";
