import type { GateVerdict, RolloutFacts, StagePlan, StageReport, WitnessStatement } from "../types.js";
import { HeldEvidence } from "./evidence.js";
import { judgeGate, judgeReplicas } from "./gate.js";

/** Why a rollout stands where it stands, to one host: all that went into its verdict, so that anybody can compute it again. */
export interface GateExplanation {
  readonly schema: "witan/gate-explanation/1";
  readonly plan: StagePlan;
  readonly gate: number;
  readonly facts: Omit<RolloutFacts, "excused"> & { readonly excused: readonly string[] };
  readonly reports: readonly StageReport[];
  readonly statements: readonly WitnessStatement[];
  readonly verdict: GateVerdict;
}

/** Explains what a gate says. */
export function explainGate(
  plan: StagePlan,
  gate: number,
  evidence: HeldEvidence,
  facts: RolloutFacts,
): GateExplanation {
  return {
    schema: "witan/gate-explanation/1",
    plan,
    gate,
    facts: { ...facts, excused: [...facts.excused].sort() },
    ...evidence.all(),
    verdict: judgeGate(plan, gate, judgeReplicas(plan, evidence, facts), facts),
  };
}

/**
 * Whether an explanation's verdict follows from its inputs. Needs neither chain nor network. Whether the inputs are true is
 * checked apart: the plan and the facts against the chain, the statements against their signatures.
 */
export function isExplained({ facts, gate, plan, reports, statements, verdict }: GateExplanation): boolean {
  const evidence = new HeldEvidence(plan);
  for (const report of reports) evidence.addReport(report);
  for (const statement of statements) evidence.addStatement(statement);
  const known = { ...facts, excused: new Set(facts.excused) };
  const again = judgeGate(plan, gate, judgeReplicas(plan, evidence, known), known);
  return JSON.stringify(again) === JSON.stringify(verdict);
}
