export { FleetError, type FleetErrorKind } from "./errors.js";
export type { FleetOrder } from "./plan.js";
export { createProcessFleet, type ProcessFleet, type ProcessFleetOptions } from "./process.js";
export { carryOut, type RolloutContext } from "./rollout.js";
export type { FleetDriver, FleetSession, FleetState, ReplicaStatus, RolloutResult } from "./types.js";
export { type Attestable, verify } from "./verify.js";
