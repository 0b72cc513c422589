export { type AnalysisMemory, analyze, initialMemory, nameState, phi } from "./analyze.js";
export { type AttestInput, type AttestReason, type Report, whenToAttest } from "./attest.js";
export { type CommitteePresence, PRESENCE_SUBJECT, suspendable } from "./claims/suspend.js";
export { PlanDefaults, rolloutWindow, standardWindow, VoteDefaults, windowDeviation } from "./defaults.js";
export type { JudgedFleetView } from "./placementFault.js";
export { LEARNING_FLAG, type PlanInput, plan, SCALING_FLAG, underWayKey } from "./plan.js";
export { bundlesToHold, type HeldBundle, type ReleaseOrder } from "./retention/bundles.js";
export {
  isExpired,
  isPastRetention,
  RetentionParameters,
  type RetentionRules,
  retainParameter,
  retentionRules,
} from "./retention/retention.js";
export { endsEarly, isDecided, type SettleInput, type SettleReason, type Tally, whenToSettle } from "./settle.js";
export { maySupersede, supersedes } from "./supersede.js";
export type {
  Analysis,
  AnalyzePolicy,
  Decision,
  EvidenceCheck,
  FinishedRounds,
  KnownIncident,
  ModelTest,
  NodeView,
  Observation,
  PlannedProposal,
  PlanPolicy,
  ReplicaView,
  SharedKnowledge,
  VoteInput,
  VotePolicy,
  WorkloadReleases,
} from "./types.js";
export { decide } from "./vote.js";
export { type DecidingSeats, isClaimTrack, type VotesNeeded, votesNeeded } from "./votesNeeded.js";
