export { type Support, Supports } from "../records/index.js";
export { type AnchorBatchParameters, type AnchorBatchReturnType, anchorBatch } from "./actions/anchorBatch.js";

export { type AnchorJointlyParameters, anchorJointly } from "./actions/anchorJointly.js";
export { type AnchorRecordsParameters, type AnchorRecordsReturnType, anchorRecords } from "./actions/anchorRecords.js";
export { type AttestDirectiveParameters, attestDirective, type NodeAttestation } from "./actions/attestDirective.js";
export { type BuildProposalParameters, buildProposal } from "./actions/buildProposal.js";
export { type CastVoteParameters, castVote } from "./actions/castVote.js";
export { type CastVoteBySigParameters, castVoteBySig } from "./actions/castVoteBySig.js";
export { type CastVotesParameters, castVotes } from "./actions/castVotes.js";
export { checkProposal, type Disagreement } from "./actions/checkProposal.js";
export {
  type ConfirmedRecord,
  type ConfirmRecordProofOptions,
  confirmRecordProof,
} from "./actions/confirmRecordProof.js";
export { type DecideProposalParameters, decideProposal } from "./actions/decideProposal.js";
export { type DescribeHostParameters, describeHost } from "./actions/describeHost.js";
export { type EnactDirectiveParameters, enactDirective } from "./actions/enactDirective.js";
export {
  type ExecuteProposalParameters,
  type ExecuteProposalReturnType,
  executeProposal,
} from "./actions/executeProposal.js";
export { type FetchLeavesParameters, fetchLeaves } from "./actions/fetchLeaves.js";
export { type FetchPayloadParameters, fetchPayload } from "./actions/fetchPayload.js";
export { type FetchRecordParameters, fetchRecord } from "./actions/fetchRecord.js";
export { type GetDirectiveParameters, getDirective } from "./actions/getDirective.js";
export { type GetModelParameters, getModel } from "./actions/getModel.js";
export { type GetProposalParameters, getProposal } from "./actions/getProposal.js";
export { type GetSeatParameters, getSeat, type Seat } from "./actions/getSeat.js";
export { type ListAnchorsParameters, type ListAnchorsReturnType, listAnchors } from "./actions/listAnchors.js";
export { type CastBallot, type ListBallotsParameters, listBallots } from "./actions/listBallots.js";
export { type ListDeviationsParameters, listDeviations } from "./actions/listDeviations.js";
export { type ListDirectivesParameters, listDirectives } from "./actions/listDirectives.js";
export { type ListHostsParameters, listHosts } from "./actions/listHosts.js";
export {
  type DirectiveReference,
  type ListIssuedDirectivesParameters,
  listIssuedDirectives,
} from "./actions/listIssuedDirectives.js";
export { type ListModelsParameters, listModels, type ModelAcceptance } from "./actions/listModels.js";
export { type ListNodesParameters, listNodes } from "./actions/listNodes.js";
export { type ListOpenedProposalIdsParameters, listOpenedProposalIds } from "./actions/listOpenedProposalIds.js";
export { type ListPresenceParameters, listPresence, type PresenceListing } from "./actions/listPresence.js";
export { type ListProposalsParameters, listProposals } from "./actions/listProposals.js";
export { type ListRecordsParameters, listRecords } from "./actions/listRecords.js";
export { type ListReportsParameters, listReports } from "./actions/listReports.js";
export { type MarkLapsedParameters, markLapsed } from "./actions/markLapsed.js";
export { type OpenProposalParameters, type OpenProposalReturnType, openProposal } from "./actions/openProposal.js";
export { type PrepareProposalParameters, prepareProposal } from "./actions/prepareProposal.js";
export { type ProveRecordParameters, proveRecord } from "./actions/proveRecord.js";
export { type QueueProposalParameters, type QueueProposalReturnType, queueProposal } from "./actions/queueProposal.js";
export { type ReportDirectiveParameters, reportDirective } from "./actions/reportDirective.js";
export { type ReturnToCommitteeParameters, returnToCommittee } from "./actions/returnToCommittee.js";
export { type RevokeAgentParameters, revokeAgent } from "./actions/revokeAgent.js";
export { type SetAgentParameters, setAgent } from "./actions/setAgent.js";
export { type SignBallotParameters, signBallot } from "./actions/signBallot.js";
export { type SignBatchParameters, type SignBatchReturnType, signBatch } from "./actions/signBatch.js";
export { verifyBallot } from "./actions/verifyBallot.js";
export { verifyDeployment } from "./actions/verifyDeployment.js";
export { type VerifyRecordParameters, type VerifyRecordReturnType, verifyRecord } from "./actions/verifyRecord.js";
export { type DirectiveChange, watchDirectives } from "./actions/watchDirectives.js";
export { type ProposalChange, watchProposals } from "./actions/watchProposals.js";
export type { AnchorEntry, AnchoredLeaf, JointAnchor, JointPlace, UnreadAnchor } from "./anchors/anchor.js";
export type { AnchoredBatch } from "./anchors/anchorOnce.js";
export type { NewRecord, PreparedBatch } from "./anchors/prepareBatch.js";
export { type Ballot, type SignedBallot, supportNumber } from "./ballots/ballot.js";
export { type BallotScheme, MAX_BALLOTS_PER_BATCH, type NodeBallot, schemeOf } from "./ballots/nodeBallot.js";
export { type ClientContext, type ClientParameters, createClientContext, type Locate } from "./client.js";
export { type Client, createClient } from "./createClient.js";
export {
  type DirectiveAttestation,
  type DirectiveReport,
  DirectiveReports,
  type DirectiveStatus,
  DirectiveStatuses,
  type IssuedDirective,
} from "./directives/directive.js";
export { type ReportWords, reportWords } from "./directives/report.js";
export {
  AttemptsExhaustedError,
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
export type { AcceptedModel } from "./models/acceptedModel.js";
export { type CreateAdmissionParameters, createAdmission } from "./nodes/admission.js";
export type { Host } from "./nodes/host.js";
export { isMemberIn, type NodeSummary } from "./nodes/node.js";
export type { BuiltProposal } from "./proposals/composeProposal.js";
export { describeProposal, subjectOf } from "./proposals/description.js";
export { type EffectMaterial, OnChainKinds, type OperatorConsents } from "./proposals/effect.js";
export {
  type Proposal,
  type ProposalId,
  type ProposalRules,
  type ProposalState,
  ProposalStates,
} from "./proposals/proposal.js";
export { checkRecordProof, type ProvenRecord } from "./records/checkRecordProof.js";
export type { RecordAnchor, RecordReference, VerifiedRecord } from "./records/record.js";
export {
  type InvalidOrder,
  NO_RELEASE,
  type OpenRollout,
  type PlacedDirective,
  type PlacedFleet,
  type PlacedWorkloadState,
  type PlacementReader,
  type SettledRelease,
} from "./workloads/placedFleet.js";
export { createPlacementReader, type PlacementReaderDependencies } from "./workloads/placementReader.js";
export { deployOf, type PlacedDeploy, type WorkloadFile } from "./workloads/workloadFile.js";
