import type { HostName } from "../../placement/index.js";
import { soakOf } from "../plan/window.js";
import type { PlannedReplica, ReplicaVerdict, RolloutFacts, StagePlan, StageReport, Wave } from "../types.js";
import type { HeldEvidence } from "./evidence.js";
import { accusation, countWitnesses } from "./witnesses.js";

/**
 * What a host concludes of one replica of a wave from what it holds. That its own host calls it sick counts whatever else it
 * says, and whatever it said before. Ready takes both: the word of its host, and that of half of its witnesses.
 */
export function judgeReplica(
  plan: StagePlan,
  wave: Wave,
  planned: PlannedReplica,
  evidence: HeldEvidence,
  { excused, now }: Pick<RolloutFacts, "excused" | "now">,
): ReplicaVerdict {
  const { host, replica } = planned;
  const reports = evidence.reports(wave.stage, replica);
  const admitted = reports.find(({ result }) => result === "sick" || result === "unable");
  if (admitted !== undefined) return { kind: "admitted", report: admitted };
  // Its replica has been placed elsewhere: its witnesses find none where the plan has it.
  if (excused.has(host)) return { kind: "excused" };
  // A host may date its word ahead to hold the others up: then it has not spoken yet.
  const isReady = ({ at, result }: StageReport) => (result === "ready" || result === "watched") && at <= now;
  const [ready] = reports.filter(isReady).sort((a, b) => a.at - b.at);
  if (ready === undefined) {
    const isInconclusive = reports.some(({ result }) => result === "inconclusive");
    return { kind: "unknown", reason: isInconclusive ? "its host has too few samples" : `${host} has not reported` };
  }
  const count = countWitnesses(plan, planned, evidence, excused);
  const statements = accusation(plan, count, ready.at);
  if (statements.length > 0) return { kind: "accused", statements };
  // Nor is a host believed that dates it back, or whose blocks are late: others must have seen it for as long.
  if (count.healthySince !== undefined) {
    // That nobody has said more since is no sign that it has stayed healthy.
    const soakSeconds = soakOf(plan, wave.stage);
    const isWatched = reports.some(({ result }) => result === "watched") && count.healthySeconds >= soakSeconds;
    return { kind: "ready", at: Math.max(ready.at, count.healthySince), isWatched: soakSeconds === 0 || isWatched };
  }
  return { kind: "unknown", reason: `${count.healthy} of ${count.counted} witnesses call it healthy` };
}

/** Hosts that were drawn to probe a replica of the plan, and which. */
export function targetsOf(plan: StagePlan, witness: HostName): readonly PlannedReplica[] {
  return plan.waves
    .filter(({ action }) => action === "take")
    .flatMap(({ replicas }) => replicas.filter(({ witnesses }) => witnesses.includes(witness)));
}
