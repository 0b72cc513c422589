import type { Observation, ReplicaView } from "../../../policy/index.js";
import type { Clock } from "../../../utils/clock.js";
import type { MachineProbe } from "./machine.js";

export interface ObserveDependencies {
  readonly clock: Clock;
  readonly machine: MachineProbe;
  /** The share of the expected peers that are connected, 0 to 1. */
  readonly connectivity: () => number;
  /** One small request to the chain; a failure counts as loss. */
  readonly ping: () => Promise<unknown>;
  readonly listReplicas: () => Promise<readonly ReplicaView[]>;
}

/** Loss is measured over this many of the newest pings: one lost is five percent. */
const PINGS = 20;

/** Makes the monitor: each observation probes the machine, the chain, the peers and the replicas. */
export function createObserve(dependencies: ObserveDependencies): (cycle: number) => Promise<Observation> {
  const { clock, machine, connectivity, listReplicas, ping } = dependencies;
  const pings: boolean[] = [];
  return async (cycle) => {
    const startedAt = clock.monotonic();
    const [answered, load, replicas] = await Promise.all([
      ping().then(
        () => true,
        () => false,
      ),
      machine(),
      listReplicas(),
    ]);
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
      probeErrors: answered ? 0 : 1,
    };
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
