export { createProcessDriver, type ProcessDriver, type ProcessDriverParameters } from "./drivers/process/driver.js";
export type { BundleSource, BundleSourceFile, OpenBundleOptions } from "./drivers/process/releases/source.js";
export { FleetError, type FleetErrorKind } from "./errors.js";
export type { WorkloadOrder } from "./plan.js";
export { carryOut, type RolloutContext } from "./rollout.js";
export { localEndpoints, Traffic, type TrafficOptions } from "./traffic/index.js";
export type {
  FleetReleases,
  ReplicaStatus,
  RolloutResult,
  WorkloadDriver,
  WorkloadSession,
  WorkloadState,
} from "./types.js";
export { type RolloutCheck, verifyRollout } from "./verify.js";
