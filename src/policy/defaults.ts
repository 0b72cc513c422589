import type { DirectiveKind } from "../records/index.js";
import type { AnalyzePolicy, PlanPolicy, VotePolicy } from "./types.js";

/** Weights and bounds of phi: published figures of the system that this one replaces. */
export const Phi = {
  golden: 1.618034,
  weights: { cpu: 0.2, memory: 0.15, latency: 0.15, loss: 0.3, connectivity: 0.2 },
  /** A fully used processor costs half of its weight, a full memory 30 %: use alone is not distress. */
  cpuDiscount: 0.5,
  memoryDiscount: 0.3,
  latencyCeilingMs: 1_000,
  /** Shares of `golden` from which on a state holds. */
  euphoric: 0.9,
  harmonic: 0.7,
  contemplative: 0.5,
  mystical: 0.3,
  /** Values of phi, not shares, that hold while a node recovers from chaos. */
  recovery: { euphoric: 1.2, harmonic: 1.0, quiescent: 0.5 },
} as const;

export const HealthLimits = { healthyMs: 500, degradedMs: 2_000, maxErrorShare: 0.05 } as const;

export const AnalyzeDefaults: AnalyzePolicy = {
  /** More than one: a replica is down for a moment between two instances. */
  downCycles: 2,
  /** More than one: a single slow answer does not make a replica unhealthy. */
  unhealthyCycles: 3,
  /** Act only on a state that lasts. */
  criticalCycles: 3,
};

export const PlanDefaults: PlanPolicy = {
  euphoricCycles: 3,
  maxReplicas: 500,
  minSeverity: "medium",
  /** A model must be better by a tenth of a percent to be worth a vote. */
  minGain: 0.001,
  rounds: {
    task: "mnist",
    rounds: 5,
    minParticipants: 3,
    timeoutSeconds: 120,
    localEpochs: 2,
    learningRate: 0.2,
    batchSize: 32,
    seed: 7,
  },
};

/**
 * How long a directive may take to be carried out, in seconds: ten minutes for one order, an hour for rounds. Agents vote
 * For no other: an order that is not over for years would keep out every later one.
 */
export function standardWindow(kind: DirectiveKind): number {
  return kind === "StartRound" ? 3_600 : 600;
}

/** The longest window of a rollout by stages: a canary that is watched for a day at each of its sixteen stages, and more. */
const MAX_ROLLOUT_WINDOW = 30 * 86_400;

/**
 * The window of a rollout that needs so many seconds: twice as long, since gates hold while hosts are away, in whole minutes.
 */
export function rolloutWindow(seconds: number): number {
  const minutes = Math.ceil((2 * seconds) / 60);
  return Math.min(MAX_ROLLOUT_WINDOW, Math.max(standardWindow("Deploy"), 60 * minutes));
}

/**
 * Why agents vote For no order with this window; undefined if they may. `isPlaced`: the mesh carries it out by stages, each directive
 * with a window of its own; whether that is long enough follows from its plan.
 */
export function windowDeviation(kind: DirectiveKind, window: number, isPlaced: boolean): string | undefined {
  const standard = standardWindow(kind);
  if (isPlaced ? window <= MAX_ROLLOUT_WINDOW : window === standard) return undefined;
  return `it may be carried out for ${window} s, not for ${isPlaced ? `${MAX_ROLLOUT_WINDOW} s at most` : `${standard} s`}`;
}

export const VoteDefaults: VotePolicy = {
  /** What a node can check against what it sees, or within bounds that its operator has set. */
  decides: new Set<DirectiveKind>([
    "Deploy",
    "Scale",
    "Rollback",
    "Restart",
    "StartRound",
    "AcceptModel",
    "Ban",
    "SetParameter",
    "SetFlag",
    "Suspend",
  ]),
  /** None: healing must not wait for people. */
  grace: {},
  /** The floor keeps a service alive; a step of 8 grows a mesh within minutes, and no single vote doubles a large one. */
  scale: { floor: 1, ceiling: 500, step: 8 },
  /** Twice and more of what agents plan themselves: PlanDefaults. */
  rounds: { rounds: 10, timeoutSeconds: 600, localEpochs: 10, learningRate: 1, batchSize: 1_024 },
  unsignedReleases: false,
  hosts: {},
  /** A week: a vote that fails is tried again for days, and an incident is anchored once. */
  maxEvidenceSeconds: 7 * 86_400,
  harmlessParameters: ["learning.rounds"],
  /** Held-out data of one node is small and skewed. */
  tolerance: 0.03,
  /** Five times chance among ten classes. */
  minFirstAccuracy: 0.5,
  /** With fewer samples an accuracy is mostly noise. */
  minSamples: 20,
};
