export * from "./client/index.js";
export { BaseError, type BaseErrorOptions, ConfigError, InvalidInputError } from "./errors.js";
export {
  type Chain,
  ChainError,
  type ChainErrorKind,
  type ChainEvent,
  type ChainEventName,
  type ChainEventOf,
  ContractRevertError,
  type CreateChainParameters,
  contractInterfaces,
  createChain,
  type Deployment,
  type EventCursor,
  isRevert,
  parseDeployment,
  type Receipt,
  type WatchOptions,
} from "./ports/chain/index.js";
export {
  ContentError,
  type ContentErrorKind,
  type ContentStore,
  createGatewayContent,
  createJsonContent,
  createKuboContent,
  createMemoryContent,
  type GatewayParameters,
  type JsonContent,
  type KuboParameters,
  type OpenFile,
  type StoredFile,
} from "./ports/content/index.js";
export {
  blsPublicKey,
  createBlsKey,
  createOperatorKey,
  KeyError,
  provePossession,
  readBlsKey,
  readOperatorKey,
  writeBlsKey,
  writeOperatorKey,
} from "./ports/keys/index.js";
export * from "./records/index.js";
