export {
  type AnchorTransaction,
  fetchRawTransaction,
  type JointTransaction,
  readAnchorTransaction,
  readJointTransaction,
} from "./anchorTransaction.js";
export {
  type BallotContext,
  type BallotMessage,
  compactSignature,
  hashBallot,
  recoverVoter,
  signBallotMessage,
} from "./ballot.js";
export { type BatchContext, type BatchMessage, hashBatch, isSignedByAuthor, signBatchMessage } from "./batch.js";
export {
  type Call,
  type DecodedCall,
  decodeCall,
  encodeCall,
  hashDescription,
  hashProposal,
  NO_CONTENT,
} from "./calls.js";
export { type Chain, type CreateChainParameters, createChain, type EventsParameters } from "./chain.js";
export { type Contracts, contractInterfaces } from "./contracts.js";
export { type DeployDaoParameters, deployDao, NODES_PER_BATCH, type NodeAdmission } from "./deploy.js";
export { type ContractName, ContractNames, type Deployment, parseDeployment } from "./deployment.js";
export { type DevelopmentChain, developmentChain } from "./development.js";
export type { Eip1193Provider } from "./endpoint.js";
export { ChainError, type ChainErrorKind, ContractRevertError, isRevert } from "./errors.js";
export type { ChainEvent, ChainEventName, ChainEventOf, EventPosition, EventSelection } from "./event.js";
export { createEventFeed, type EventChunk, type EventFeed, type EventFeedOptions } from "./feed.js";
export { type BlockHeader, type FinalityRule, lastFinalBlock, readFinalHeader, readHeader } from "./header.js";
export { hashJoint, type JointMessage, type JointTree, jointTree, openJoint } from "./joint.js";
export { decodeName, encodeName, peerIdText } from "./names.js";
export type { Plain } from "./plain.js";
export { redactUrl } from "./redact.js";
export { hashReport, type ReportContext, type ReportMessage } from "./report.js";
export { toChainError } from "./revert.js";
export type { Receipt } from "./send.js";
export type { EventCursor, WatchOptions } from "./watch.js";
