export { type Support, Supports } from "../records/index.js";
export { type AnchoredBatch, anchorBatch } from "./actions/anchorBatch.js";
export { type AnchorJointlyParameters, anchorJointly } from "./actions/anchorJointly.js";
export { type AnchorRecordsParameters, type AnchorRecordsReturnType, anchorRecords } from "./actions/anchorRecords.js";
export { type AttestDirectiveParameters, attestDirective, type NodeAttestation } from "./actions/attestDirective.js";
export { type BuildProposalParameters, type BuiltProposal, buildProposal } from "./actions/buildProposal.js";
export { type CastVoteParameters, castVote, supportNumber } from "./actions/castVote.js";
export { castVoteBySig } from "./actions/castVoteBySig.js";
export {
  type BallotScheme,
  type CastVotesParameters,
  castVotes,
  MAX_BALLOTS_PER_BATCH,
  type NodeBallot,
  schemeOf,
} from "./actions/castVotes.js";
export { checkProposal, type Disagreement } from "./actions/checkProposal.js";
export { type ConfirmedRecord, confirmRecordProof } from "./actions/confirmRecordProof.js";
export { type DecideProposalParameters, decideProposal } from "./actions/decideProposal.js";
export { type ExecuteProposalReturnType, executeProposal } from "./actions/executeProposal.js";
export { type FetchPayloadParameters, fetchPayload } from "./actions/fetchPayload.js";
export { type FetchRecordParameters, fetchRecord } from "./actions/fetchRecord.js";
export { getDirective } from "./actions/getDirective.js";
export { type AcceptedModel, getModel } from "./actions/getModel.js";
export { type GetProposalParameters, getProposal } from "./actions/getProposal.js";
export { type CastBallot, listBallots } from "./actions/listBallots.js";
export { type ListDirectivesParameters, listDirectives } from "./actions/listDirectives.js";
export { listModels, type ModelAcceptance } from "./actions/listModels.js";
export { listNodes } from "./actions/listNodes.js";
export { type ListProposalsParameters, listProposals } from "./actions/listProposals.js";
export { type ListRecordsParameters, listRecords } from "./actions/listRecords.js";
export { listReports } from "./actions/listReports.js";
export { type OpenProposalParameters, type OpenProposalReturnType, openProposal } from "./actions/openProposal.js";
export { proveRecord } from "./actions/proveRecord.js";
export { type QueueProposalReturnType, queueProposal } from "./actions/queueProposal.js";
export { type ReportDirectiveParameters, reportDirective } from "./actions/reportDirective.js";
export { type SignedBallot, signBallot } from "./actions/signBallot.js";
export { type SignBatchParameters, signBatch } from "./actions/signBatch.js";
export { verifyBallot } from "./actions/verifyBallot.js";
export { type VerifyRecordParameters, type VerifyRecordReturnType, verifyRecord } from "./actions/verifyRecord.js";
export { type DirectiveChange, watchDirectives } from "./actions/watchDirectives.js";
export { type ProposalChange, watchProposals } from "./actions/watchProposals.js";
export type { AnchorEntry, UnreadAnchor } from "./anchors/anchorIndex.js";
export { checkRecordProof, type ProvenRecord } from "./anchors/checkRecordProof.js";
export type { JointAnchor, JointPlace } from "./anchors/jointAnchors.js";
export type { NewRecord, PreparedBatch } from "./anchors/prepareBatch.js";
export type { ClientContext, ClientParameters, Locate } from "./client.js";
export { type Client, createClient } from "./createClient.js";
export {
  type DirectiveAttestation,
  type DirectiveReport,
  DirectiveReports,
  type DirectiveStatus,
  DirectiveStatuses,
  type IssuedDirective,
} from "./directives/directive.js";
export {
  InvalidManifestError,
  InvalidProofError,
  NotAnchoredError,
  ProposalStateError,
  UnknownDirectiveError,
  UnknownProposalError,
  WrongAuthorError,
} from "./errors.js";
export {
  type FetchManifestParameters,
  fetchManifest,
  type PublishManifestParameters,
  publishManifest,
} from "./manifests.js";
export type { NodeSummary } from "./nodes/node.js";
export { describeProposal, subjectOf } from "./proposals/description.js";
export type { Admission, EffectMaterial } from "./proposals/effect.js";
export {
  type Proposal,
  type ProposalId,
  type ProposalRules,
  type ProposalState,
  ProposalStates,
} from "./proposals/proposal.js";
export type { RecordAnchor, RecordReference, VerifiedRecord } from "./records.js";
