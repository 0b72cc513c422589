export * from "./client/index.js";
export { BaseError, type BaseErrorOptions, ConfigError, InvalidInputError } from "./errors.js";
export {
  type Admission,
  type Chain,
  ChainError,
  type ChainErrorKind,
  type ChainEvent,
  type ChainEventName,
  type ChainEventOf,
  type ConsentContext,
  ContractRevertError,
  type CreateChainParameters,
  contractInterfaces,
  createChain,
  type Deployment,
  type EventCursor,
  isRevert,
  NO_DEADLINE,
  type OperatorConsent,
  parseDeployment,
  type Receipt,
  signOperatorConsent,
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
  createAccountKey,
  createBlsKey,
  KeyError,
  provePossession,
  readAccountKey,
  readBlsKey,
  writeAccountKey,
  writeBlsKey,
} from "./ports/keys/index.js";
export * from "./records/index.js";
export { DiskError, type DiskErrorKind } from "./utils/disk/diskError.js";
