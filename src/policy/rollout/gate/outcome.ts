import type { GateVerdict, RolloutFacts, StagePlan } from "../types.js";
import { type JudgedReplica, judgeGate } from "./gate.js";

/** What a node may attest of a rollout, by what it holds. */
export interface RolloutOutcome {
  /** Undefined while it has to wait: silence attests nothing, and a directive that nobody attests lapses. */
  readonly result: "done" | "failed" | undefined;
  readonly verdict: GateVerdict;
}

/**
 * How a rollout ended, to a node that concludes this of its replicas. A node attests once: which comes first stands. The record that
 * all sign holds the result alone, for each node holds other statements; those travel beside it.
 */
export function judgeOutcome(plan: StagePlan, judged: readonly JudgedReplica[], facts: RolloutFacts): RolloutOutcome {
  const verdict = judgeGate(plan, plan.waves.length, judged, facts);
  if (facts.enacted !== null || facts.now > plan.deadline || verdict.kind === "hold")
    return { result: undefined, verdict };
  return { result: verdict.kind === "advance" ? "done" : "failed", verdict };
}
