export {
  type Chain,
  type CreateChainParameters,
  createChain,
  type EventsParameters,
  type SendingOptions,
} from "./chain.js";
export {
  type Call,
  type DecodedCall,
  decodeCall,
  encodeCall,
  hashDescription,
  hashProposal,
  NO_CONTENT,
} from "./contracts/calls.js";
export { type Contracts, contractInterfaces } from "./contracts/contracts.js";
export type { Admission } from "./contracts/deploy.js";
export { type ContractName, ContractNames, type Deployment, parseDeployment } from "./contracts/deployment.js";
export type { Plain } from "./contracts/plain.js";
export { toChainError } from "./contracts/revert.js";
export {
  type DeploymentCheck,
  requireSafeDeployment,
  verifyDeployment,
} from "./contracts/verifyDeployment.js";
export { ChainError, type ChainErrorKind, ContractRevertError, isRevert, needsTooMuchGas } from "./errors.js";
export type { ChainEvent, ChainEventName, ChainEventOf, EventPosition, EventSelection } from "./events/event.js";
export { createEventFeed, type EventChunk, type EventFeed, type EventFeedOptions } from "./events/eventFeed.js";
export type { EventCursor, WatchOptions } from "./events/watchEvents.js";
export { decodeName, encodeName, peerIdText } from "./names.js";
export {
  type BlockHeader,
  behindError,
  type FinalityRule,
  hasLeftChain,
  lastFinalBlock,
  readFinalHeader,
  readHeader,
} from "./rpc/blockHeader.js";
export { type DevelopmentChain, developmentChain } from "./rpc/developmentChain.js";
export type { Eip1193Provider } from "./rpc/endpoint.js";
export type { EndpointState, EndpointStatus } from "./rpc/endpointHealth.js";
export type { SendingStatus } from "./transactions/account/accountSender.js";
export {
  type AnchorTransaction,
  fetchRawTransaction,
  type JointTransaction,
  readAnchorTransaction,
  readJointTransaction,
} from "./transactions/anchorTransaction.js";
export type { Receipt } from "./transactions/send.js";
export { type SentEntry, type SentJournal, SentTransactions } from "./transactions/sentTransactions.js";
export {
  type BallotContext,
  type BallotMessage,
  compactSignature,
  hashAggregateBallot,
  recoverVoter,
  signBallotMessage,
} from "./typedData/ballot.js";
export {
  type BatchContext,
  type BatchMessage,
  hashBatch,
  isSignedByAuthor,
  signBatchMessage,
} from "./typedData/batch.js";
export {
  type AgentConsent,
  type ConsentContext,
  hashAgentConsent,
  hashOperatorConsent,
  NO_DEADLINE,
  type OperatorConsent,
  signAgentConsent,
  signOperatorConsent,
} from "./typedData/consent.js";
export { batchLeaf, hashJoint, type JointMessage, jointMessageOf, jointTree, openJoint } from "./typedData/joint.js";
export { hashReport, type ReportContext, type ReportMessage } from "./typedData/report.js";
