import type { Health, NamedState, State } from "../records/index.js";
import { AnalyzeDefaults, HealthLimits, Phi } from "./defaults.js";
import { findIncidents, type IncidentMemory, noIncidents } from "./incidents.js";
import type { Analysis, AnalyzePolicy, Observation } from "./types.js";

/** What the analysis of one cycle needs from those before. */
export interface AnalysisMemory {
  readonly recovering: boolean;
  readonly state: NamedState | undefined;
  readonly heldCycles: number;
  readonly incidents: IncidentMemory;
}

export function initialMemory(): AnalysisMemory {
  return { recovering: false, state: undefined, heldCycles: 0, incidents: noIncidents };
}

/** A node's health score, 0 to 1.618034. Shares are 0 to 1, latency in milliseconds. */
export function phi(metrics: State["metrics"]): number {
  const { weights, golden } = Phi;
  const latency = Math.min(metrics.latencyMs / Phi.latencyCeilingMs, 1);
  return (
    golden *
    (weights.cpu * (1 - Phi.cpuDiscount * metrics.cpu) +
      weights.memory * (1 - Phi.memoryDiscount * metrics.memory) +
      weights.latency * (1 - latency) +
      weights.loss * (1 - metrics.loss) +
      weights.connectivity * metrics.connectivity)
  );
}

/**
 * The named state of a value of phi. CHAOTIC starts a recovery, which has thresholds of its own and ends when the node is
 * EUPHORIC by them. Its quiescent range (0.5 to 1.0) is reported as CONTEMPLATIVE.
 */
export function nameState(value: number, recovering: boolean): { state: NamedState; recovering: boolean } {
  if (recovering) {
    const { euphoric, harmonic, quiescent } = Phi.recovery;
    if (value >= euphoric) return { state: "EUPHORIC", recovering: false };
    if (value >= harmonic) return { state: "HARMONIC", recovering: true };
    return { state: value >= quiescent ? "CONTEMPLATIVE" : "CHAOTIC", recovering: true };
  }
  const part = value / Phi.golden;
  if (part >= Phi.euphoric) return { state: "EUPHORIC", recovering: false };
  if (part >= Phi.harmonic) return { state: "HARMONIC", recovering: false };
  if (part >= Phi.contemplative) return { state: "CONTEMPLATIVE", recovering: false };
  if (part >= Phi.mystical) return { state: "MYSTICAL", recovering: false };
  return { state: "CHAOTIC", recovering: true };
}

/** Analyzes one observation, given the memory of those before. */
export function analyze(
  memory: AnalysisMemory,
  observation: Observation,
  policy: AnalyzePolicy = AnalyzeDefaults,
): { readonly memory: AnalysisMemory; readonly analysis: Analysis } {
  const value = phi(observation.machine);
  const { state, recovering } = nameState(value, memory.recovering);
  const heldCycles = memory.state === state ? memory.heldCycles + 1 : 1;
  const found = findIncidents(memory.incidents, observation, { state, heldCycles }, policy);
  const kinds = found.incidents.map(({ kind }) => kind);
  const advised = [
    ...(kinds.some((kind) => kind === "replica-down" || kind === "replica-unhealthy") ? (["Restart"] as const) : []),
    ...(kinds.includes("release-failing") ? (["Rollback"] as const) : []),
    ...(state === "EUPHORIC" ? (["StartRound", "Scale"] as const) : []),
  ];
  return {
    memory: { recovering, state, heldCycles, incidents: found.memory },
    analysis: {
      phi: value,
      state,
      health: healthOf(observation),
      metrics: observation.machine,
      disk: observation.disk,
      heldCycles,
      incidents: found.incidents,
      advised,
    },
  };
}

function healthOf({ disk, replicas, probeErrors }: Observation): Health {
  const stable = replicas.filter(({ changing }) => !changing);
  const failed = stable.filter(({ alive, healthy }) => !alive || !healthy).length;
  const slowest = Math.max(0, ...stable.map(({ latencyMs }) => latencyMs ?? 0));
  if (stable.length > 0 && failed === stable.length) return "unhealthy";
  if (failed > 0 || probeErrors > 0 || disk !== undefined || slowest > HealthLimits.degradedMs) return "degraded";
  return "healthy";
}
