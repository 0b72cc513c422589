export { HeldEvidence } from "./gate/evidence.js";
export { type JudgedReplica, judgeGate, judgeReplicas } from "./gate/gate.js";
export { judgeOutcome, type RolloutOutcome } from "./gate/outcome.js";
export { targetsOf } from "./gate/replica.js";
export { explainGate, type GateExplanation, isExplained } from "./gate/why.js";
export {
  NEW_PROGRESS,
  type ProbeResult,
  progressAfter,
  type ReplicaProgress,
  resumed,
  watchedAnew,
} from "./host/progress.js";
export { type HostStep, type HostStepInput, nextStep, type OwnReplica, type ReplicaPhase } from "./host/steps.js";
export { NEW_WITNESS, sightingOf, type WitnessMemory, type WitnessProbe, whenToState } from "./host/witness.js";
export { type PlannedStages, type PlanStagesParameters, planStages, rolloutSeconds, WITNESSES } from "./plan/plan.js";
export {
  type FleetView,
  type PreviewParameters,
  previewFault,
  previewRollout,
  type RolloutPreview,
} from "./plan/preview.js";
export { turnBackStrategy } from "./plan/strategy.js";
export { isItsTurn } from "./plan/window.js";
export type {
  GateVerdict,
  PlannedReplica,
  ReplicaVerdict,
  RolloutFacts,
  StagePlan,
  StageReport,
  StageResult,
  Wave,
  WitnessSighting,
  WitnessStatement,
  WitnessVerdict,
} from "./types.js";
