import type { Observation, ReplicaView } from "../../../policy/index.js";
import type { Clock } from "../../../utils/clock.js";
import type { DiskSpace } from "../../maintenance/diskSpace.js";
import type { MachineProbe } from "./machine.js";

export interface ObserveDependencies {
  readonly clock: Clock;
  readonly machine: MachineProbe;
  /** The share of the expected peers that are connected, 0 to 1. */
  readonly connectivity: () => number;
  /** One small request to the chain; a failure counts as loss. */
  readonly ping: () => Promise<unknown>;
  readonly listReplicas: () => Promise<readonly ReplicaView[]>;
  /** The disk of the node's data; undefined if it is not watched. */
  readonly disk?: Pick<DiskSpace, "state" | "update"> | undefined;
  /** Called with why the replicas cannot be listed: such as a damaged file of the workload. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Loss is measured over this many of the newest pings: one lost is five percent. */
const PINGS = 20;

/** Makes the monitor: each observation probes the machine, the chain, the peers and the replicas. */
export function createObserve(dependencies: ObserveDependencies): (cycle: number) => Promise<Observation> {
  const { clock, connectivity, disk, listReplicas, machine, onError = () => undefined, ping } = dependencies;
  const pings: boolean[] = [];
  return async (cycle) => {
    const startedAt = clock.monotonic();
    const [answered, load, listed] = await Promise.all([
      ping().then(
        () => true,
        () => false,
      ),
      machine(),
      // A node that does not see its replicas still votes and executes other orders.
      listReplicas().catch((error: unknown) => {
        onError(error);
        return undefined;
      }),
      disk?.update(),
    ]);
    const replicas = listed ?? [];
    pings.push(answered);
    if (pings.length > PINGS) pings.shift();
    const latencies = replicas.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
    return {
      cycle,
      machine: {
        ...load,
        loss: pings.filter((each) => !each).length / pings.length,
        connectivity: connectivity(),
        latencyMs: latencies.length > 0 ? median(latencies) : Math.round(clock.monotonic() - startedAt),
      },
      replicas,
      probeErrors: (answered ? 0 : 1) + (listed === undefined ? 1 : 0),
      ...(disk?.state === undefined ? {} : { disk: disk.state }),
    };
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
