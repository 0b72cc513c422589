export { createProcessDriver, type ProcessDriver, type ProcessDriverParameters } from "./drivers/process/driver.js";
export { openProcessHost, type ProcessHost, type ProcessHostParameters } from "./drivers/process/host/hostDriver.js";
export type { BundleSource, BundleSourceFile, OpenBundleOptions } from "./drivers/process/releases/source.js";
export { FleetError, type FleetErrorKind } from "./errors.js";
export { probeReplica, type RemoteProbe } from "./host/probeReplica.js";
export { ReplicaServer } from "./host/replicaServer.js";
export type { HostDriver, HostedInstance, StartOrder } from "./host/types.js";
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
