import { soakOf } from "../plan/window.js";
import type { GateVerdict, RolloutFacts, StagePlan, StageResult } from "../types.js";
import type { ReplicaProgress } from "./progress.js";

/**
 * Where a host is with one of its replicas. Journaled before the step that leads there is taken.
 * `old`: not begun. `taking`: the release to take was started, in place or beside the old one. `serving`: it serves, the old one
 * is gone, or kept beside for a switch back. `reverted`: its own host went back, alone. `ended`: it is as the enacted outcome has it.
 */
export type ReplicaPhase = "old" | "taking" | "serving" | "reverted" | "ended";

export interface OwnReplica {
  readonly phase: ReplicaPhase;
  /** The number of the wave of the plan that is next for it; undefined for one that the plan does not name. */
  readonly wave: number | undefined;
  /** The stage of the wave that was begun last; undefined if none was. */
  readonly stage: number | undefined;
  /** Of the release to take; undefined before it was started. */
  readonly progress: ReplicaProgress | undefined;
  /** Whether what runs now answers its probes, whichever release it is. */
  readonly isHealthy: boolean;
  /** Whether the old instance still runs beside. */
  readonly hasOld: boolean;
}

/** What a host does next with one of its replicas. */
export type HostStep =
  /** Nothing; `reason` for people. */
  | { readonly kind: "hold"; readonly reason: string }
  /** Begin the wave: start the release to take, or switch the traffic to it. */
  | { readonly kind: "begin" }
  /** Say how the replica did in the stage. */
  | { readonly kind: "report"; readonly result: StageResult; readonly note: string }
  /** Go back to the old release, alone and at once, and say so. */
  | { readonly kind: "revert"; readonly note: string }
  /** Take the replica to what was enacted: the release to take after `done`, the old one after `failed`. */
  | { readonly kind: "end"; readonly result: "done" | "failed" };

export interface HostStepInput {
  readonly plan: StagePlan;
  readonly own: OwnReplica;
  readonly facts: RolloutFacts;
  /** Of the gate before the wave that is next for the replica; of the last one if none is. A gate once open is not asked again. */
  readonly gate: GateVerdict;
  /** What this host has reported of the replica in this stage last. */
  readonly reported: StageResult | undefined;
  /** Whether a healthy replica may change its release without a gate now: {@link isItsTurn}. */
  readonly isTurn: boolean;
}

/**
 * The one next step of a host for one replica of its own. What all must do alike the chain says, and comes first; then what its
 * own replica shows; then what others' statements allow.
 */
export function nextStep(input: HostStepInput): HostStep {
  const { facts, gate, isTurn, own, plan, reported } = input;
  if (own.phase === "ended") return { kind: "hold", reason: "it is as was enacted" };
  if (facts.enacted !== null) return afterOutcome(plan, own, facts.enacted.result, isTurn);

  const { progress } = own;
  const hasAdmitted = reported === "sick" || reported === "unable";
  if (own.phase === "reverted") {
    if (!hasAdmitted) return { kind: "report", result: "sick", note: progress?.note ?? "" };
    return { kind: "hold", reason: "it went back alone, and does not try again before the rollout has ended" };
  }
  if (own.phase !== "old") {
    if (progress?.result === "sick") {
      if (!plan.irreversible) return { kind: "revert", note: progress.note };
      if (!hasAdmitted) return { kind: "report", result: "sick", note: progress.note };
      return { kind: "hold", reason: `it is sick and irreversible: ${progress.note}` };
    }
    if (progress?.result !== "ready") return { kind: "hold", reason: "it is not ready yet" };
    if (reported !== "ready" && reported !== "watched")
      return { kind: "report", result: "ready", note: `healthy for ${plan.timing.minReadySeconds} s` };
    const soakSeconds = own.stage === undefined ? 0 : soakOf(plan, own.stage);
    const watchedMs = progress.watchedMs - (progress.readyAtMs ?? progress.watchedMs);
    if (reported === "ready" && soakSeconds > 0 && watchedMs >= soakSeconds * 1_000)
      return { kind: "report", result: "watched", note: `ready for ${soakSeconds} s` };
  }
  if (own.wave === undefined)
    return {
      kind: "hold",
      reason:
        own.phase === "old" ? "it is not in the plan, and runs the old release until it is done" : gateReason(gate),
    };
  if (facts.now > plan.deadline) return { kind: "hold", reason: "the directive has lapsed: people decide" };
  return gate.kind === "advance" ? { kind: "begin" } : { kind: "hold", reason: gateReason(gate) };
}

function gateReason(gate: GateVerdict): string {
  return gate.kind === "advance" ? "it waits until the outcome is enacted" : gate.reason;
}

/** Replicas that serve wait for their turn; those that are sick have nothing to lose. */
function afterOutcome(plan: StagePlan, own: OwnReplica, result: "done" | "failed", isTurn: boolean): HostStep {
  const isOnNew = own.phase === "taking" || own.phase === "serving";
  if (result === "failed" && isOnNew && plan.irreversible)
    return { kind: "hold", reason: "it failed and is irreversible: people decide" };
  // Where nothing that serves is stopped, nothing has to wait.
  const isThere = isOnNew === (result === "done");
  if (isThere || own.hasOld || !own.isHealthy || isTurn) return { kind: "end", result };
  return { kind: "hold", reason: `it was enacted ${result}: it waits for its turn` };
}
