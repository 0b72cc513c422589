import type { Hex } from "../../../records/index.js";
import type { ReplicaStatus, WorkloadDriver } from "../types.js";

/** A replica that requests can be sent to, on this host or on another. */
export interface ReplicaEndpoint {
  readonly workload: string;
  /** Such as `replica/web/3`. */
  readonly subject: string;
  /** Tells the copy that runs now from one that ran before at the same address. */
  readonly instance: string;
  readonly release: { readonly name: string; readonly sha256: Hex };
  readonly host: string;
  readonly port: number;
  readonly healthy: boolean;
}

/** Where a proxy learns of replicas. */
export interface EndpointSource {
  /** The workloads whose names it may be asked for, those without replicas too. */
  readonly workloads: readonly string[];
  /** Every replica that runs. */
  list(): Promise<readonly ReplicaEndpoint[]>;
}

/** The replicas of a driver on this host. */
export function localEndpoints(driver: Pick<WorkloadDriver, "list" | "workload">): EndpointSource {
  return { workloads: [driver.workload], list: async () => (await driver.list()).flatMap(endpointOf) };
}

function endpointOf({
  address,
  alive,
  healthy,
  instance,
  release,
  subject,
  workload,
}: ReplicaStatus): ReplicaEndpoint[] {
  if (!alive || instance === null || address === undefined) return [];
  return [{ workload, subject, instance, release, ...address, healthy }];
}
