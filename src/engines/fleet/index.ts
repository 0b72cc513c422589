export { FleetError, type FleetErrorKind } from "./errors.js";
export type { WorkloadOrder } from "./plan.js";
export { createProcessDriver, type ProcessDriver, type ProcessDriverOptions } from "./processDriver.js";
export { carryOut, type RolloutContext } from "./rollout.js";
export type { ReplicaStatus, RolloutResult, WorkloadDriver, WorkloadSession, WorkloadState } from "./types.js";
export { type Verification, verify } from "./verify.js";
