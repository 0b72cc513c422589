import type { GateVerdict, ReplicaVerdict, RolloutFacts, StagePlan, StageReport, WitnessStatement } from "../types.js";
import type { HeldEvidence } from "./evidence.js";
import { judgeReplica } from "./replica.js";

/** From one of so many replicas on, the word of witnesses alone fails a rollout. */
const ACCUSED_SHARE = 3;

/** Replicas that a reason names. */
const MAX_NAMED = 5;

/** A replica of a wave, and what a host concludes of it. */
export interface JudgedReplica {
  readonly wave: number;
  readonly replica: string;
  readonly verdict: ReplicaVerdict;
}

/** What a host concludes of all replicas of all waves, from what it holds: what every gate is judged by. */
export function judgeReplicas(
  plan: StagePlan,
  evidence: HeldEvidence,
  facts: Pick<RolloutFacts, "excused" | "now">,
): readonly JudgedReplica[] {
  return plan.waves.flatMap((wave, number) =>
    wave.replicas.map(
      (each): JudgedReplica => ({
        wave: number,
        replica: each.replica,
        verdict: judgeReplica(plan, wave, each, evidence, facts),
      }),
    ),
  );
}

/**
 * Whether wave `gate` may begin; or, if it is the number after the last wave, whether the rollout is done.
 *
 * `failed` follows from what is held of the whole rollout, whichever gate is asked: more hosts than the failure limit admit a
 * sick replica, witnesses alone accuse a third of what was taken, or the DAO aborts. `advance` needs positive evidence of every
 * wave before: all its replicas are ready, but for those of excused hosts and, in the whole rollout, as many as the failure
 * limit; one of which nothing is known is passed over only after the progress deadline. At least half of what was taken must be ready, so that a stage of excused hosts proves nothing. Anything else holds.
 *
 * A host that has begun a wave has journaled that, and asks no more: what comes later closes no gate.
 *
 * @param judged by {@link judgeReplicas}, from the same facts.
 */
export function judgeGate(
  plan: StagePlan,
  gate: number,
  judged: readonly JudgedReplica[],
  facts: RolloutFacts,
): GateVerdict {
  if (facts.enacted !== null) return hold(`it was enacted ${facts.enacted.result}`);
  return failureOf(plan, judged, facts) ?? holdOf(plan, gate, judged, facts) ?? { kind: "advance" };
}

function failureOf(plan: StagePlan, all: readonly JudgedReplica[], { control }: RolloutFacts): GateVerdict | undefined {
  const reports = new Map<string, StageReport>();
  const statements: WitnessStatement[] = [];
  const taken = takenIn(all);
  let accused = 0;
  for (const { verdict } of all) if (verdict.kind === "admitted") reports.set(verdict.report.host, verdict.report);
  for (const { verdict } of taken) {
    if (verdict.kind !== "accused") continue;
    accused++;
    statements.push(...verdict.statements);
  }
  const reason = reasonToFail(plan, { hosts: reports.size, accused, taken: taken.length }, control);
  return reason === undefined ? undefined : { kind: "failed", reason, reports: [...reports.values()], statements };
}

/** The replicas of all waves up to the first that is not through: as far as a rollout can have come by its rules. */
function takenIn(all: readonly JudgedReplica[]): readonly JudgedReplica[] {
  const open = all.find(({ verdict }) => verdict.kind !== "ready" && verdict.kind !== "excused");
  return open === undefined ? all : all.filter(({ wave }) => wave <= open.wave);
}

function reasonToFail(
  { failureLimit }: StagePlan,
  { accused, hosts, taken }: { readonly hosts: number; readonly accused: number; readonly taken: number },
  control: RolloutFacts["control"],
): string | undefined {
  if (control?.action === "abort") return "the DAO aborted it";
  if (hosts > failureLimit) return `${hosts} hosts admit a sick replica, and ${failureLimit} may`;
  if (accused > failureLimit && ACCUSED_SHARE * accused >= taken)
    return `witnesses alone call ${accused} of ${taken} replicas sick`;
  return undefined;
}

function holdOf(
  plan: StagePlan,
  gate: number,
  all: readonly JudgedReplica[],
  facts: RolloutFacts,
): GateVerdict | undefined {
  const { control, now } = facts;
  if (control?.action === "pause") return hold("the DAO paused it");
  const beginBy = plan.waves[gate]?.beginBy ?? plan.deadline;
  if (now > beginBy) return hold(`too late: it had to begin by ${beginBy}, and it is ${now}`);

  const before = all.filter(({ wave }) => wave < gate);
  if (before.length === 0 || (control?.action === "promote" && gate <= control.gate)) return undefined;
  const stage = plan.waves[gate]?.stage;
  const isResolved = ({ verdict, wave }: JudgedReplica) =>
    verdict.kind === "excused" ||
    (verdict.kind === "ready" && (verdict.isWatched || plan.waves[wave]?.stage === stage));
  const unresolved = before.filter((each) => !isResolved(each));
  if (unresolved.length > plan.failureLimit) return hold(reasonToHold(unresolved), unresolved);
  const ready = before.flatMap(({ verdict }) => (verdict.kind === "ready" ? verdict.at : []));
  if (2 * ready.length < before.length)
    return hold(
      `only ${ready.length} of ${before.length} replicas are known to be ready; the others' hosts are excused`,
    );

  const { soakSeconds = 0 } = plan.waves[gate - 1] ?? {};
  const since = Math.max(...ready);
  // What has not even begun must not be passed over: a replica is given the time in which it has to be ready or sick.
  const isOpen = unresolved.some(({ verdict }) => verdict.kind !== "admitted");
  if (isOpen && now < since + plan.timing.progressSeconds) return hold(reasonToHold(unresolved), unresolved);
  if (now < since + soakSeconds) return hold(`it is watched until ${since + soakSeconds}, and it is ${now}`);
  return undefined;
}

function hold(reason: string, about: readonly JudgedReplica[] = []): GateVerdict {
  return { kind: "hold", reason, about: about.map(({ replica }) => replica) };
}

function reasonToHold(unresolved: readonly JudgedReplica[]): string {
  const named = unresolved.slice(0, MAX_NAMED).map(({ replica, verdict }) => `${replica}: ${describe(verdict)}`);
  const more = unresolved.length - named.length;
  return `${named.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

function describe(verdict: ReplicaVerdict): string {
  switch (verdict.kind) {
    case "admitted":
      return `${verdict.report.host} says ${verdict.report.result}`;
    case "accused":
      return "its witnesses call it sick";
    case "unknown":
      return verdict.reason;
    case "ready":
      return "it is watched";
    default:
      return verdict.kind;
  }
}
