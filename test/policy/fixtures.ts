import type { Observation, ReplicaView, SharedKnowledge } from "../../src/policy/index.js";
import type { Hex, State } from "../../src/records/index.js";

/** Values that the policy tests share. */
export const v1: Hex = `0x${"11".repeat(32)}`;
export const v2: Hex = `0x${"22".repeat(32)}`;

export const wellMachine: State["metrics"] = { cpu: 0, memory: 0, loss: 0, connectivity: 1, latencyMs: 0 };

export function replica(n: number, change: Partial<ReplicaView> = {}): ReplicaView {
  return {
    subject: `replica/web/${n}`,
    workload: "web",
    release: { name: "v1", sha256: v1 },
    instance: `${100 + n}@1`,
    alive: true,
    healthy: true,
    latencyMs: 3,
    changing: false,
    ...change,
  };
}

export function observation(replicas: readonly ReplicaView[], machine = wellMachine): Observation {
  return { cycle: 0, machine, replicas, probeErrors: 0 };
}

export const nothingShared: SharedKnowledge = {
  acceptedModel: null,
  flags: new Set(),
  underWay: new Set(),
  lastRound: null,
  replicas: new Map(),
};
