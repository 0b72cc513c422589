import {
  HeldEvidence,
  type PlanStagesParameters,
  planStages,
  type RolloutFacts,
  type StagePlan,
  type StageReport,
  type WitnessSighting,
  type WitnessStatement,
} from "../../../src/policy/rollout/index.js";
import type { Hex, RolloutTiming } from "../../../src/records/index.js";

export const hex = (digit: string): Hex => `0x${digit.repeat(64)}`;

export const timing: RolloutTiming = {
  startSeconds: 5,
  minReadySeconds: 10,
  progressSeconds: 60,
  probeSeconds: 2,
  intervalSeconds: 10,
  lagSeconds: 10,
};

const names = (count: number) => Array.from({ length: count }, (_, i) => `host${String(i).padStart(3, "0")}`);

/** One replica on each of so many hosts; canary of three, then all, one host may fail alone. */
export function parameters(hosts: number, changes: Partial<PlanStagesParameters> = {}): PlanStagesParameters {
  const present = names(hosts);
  return {
    directive: hex("d"),
    workload: "web",
    from: hex("a"),
    to: hex("b"),
    issue: { hash: hex("1"), time: 1_000 },
    deadline: 1_000_000,
    seats: present.map((host, i) => ({ replica: `web/${i}`, workload: "web", host, since: 1 })),
    present,
    strategy: { kind: "canary", shares: [30, 100], maxUnavailable: 4, maxSurge: 0, soakSeconds: 20 },
    timing,
    irreversible: false,
    exclusive: false,
    ...changes,
  };
}

export function planOf(hosts: number, changes: Partial<PlanStagesParameters> = {}): StagePlan {
  const { fault, plan } = planStages(parameters(hosts, changes));
  if (plan === undefined) throw new Error(fault);
  return plan;
}

export function facts(changes: Partial<RolloutFacts> = {}): RolloutFacts {
  return { now: 2_000, excused: new Set(), enacted: null, control: null, ...changes };
}

/** What the host of replica `place` of a wave says. */
export function reportOf(
  plan: StagePlan,
  [wave, place]: readonly [wave: number, place: number],
  changes: Partial<StageReport> = {},
): StageReport {
  const planned = plan.waves[wave];
  const { host = "", replica = "" } = planned?.replicas[place] ?? {};
  const stage = planned?.stage ?? 0;
  const { directive } = plan;
  return {
    schema: "witan/stage-report/1",
    directive,
    stage,
    replica,
    host,
    result: "ready",
    at: 1_100,
    note: "",
    ...changes,
  };
}

export function sighting(plan: StagePlan, replica: string, changes: Partial<WitnessSighting> = {}): WitnessSighting {
  return { replica, release: plan.to, verdict: "healthy", since: 5, ...changes };
}

export function statementOf(
  plan: StagePlan,
  witness: string,
  seen: readonly WitnessSighting[],
  interval = 10,
): WitnessStatement {
  return { schema: "witan/witness-statement/1", directive: plan.directive, witness, interval, seen };
}

/** All witnesses say of all their targets in the first waves what `verdict` says, and see the others on the old release. */
export function addWitnesses(
  plan: StagePlan,
  evidence: HeldEvidence,
  waves: number,
  changes: Partial<WitnessSighting> = {},
  intervals: readonly number[] = [10],
): void {
  const replicas = plan.waves.filter(({ action }) => action === "take").flatMap((wave) => wave.replicas);
  const taken = new Set(plan.waves.slice(0, waves).flatMap((wave) => wave.replicas.map(({ replica }) => replica)));
  for (const witness of new Set(replicas.flatMap(({ witnesses }) => witnesses))) {
    const seen = replicas
      .filter(({ witnesses }) => witnesses.includes(witness))
      .map(({ replica }) => sighting(plan, replica, taken.has(replica) ? changes : { release: plan.from }));
    for (const interval of intervals) evidence.addStatement(statementOf(plan, witness, seen, interval));
  }
}

/** All hosts of the first waves call their replicas ready and watched, and all witnesses healthy. */
export function readyThrough(plan: StagePlan, waves: number): HeldEvidence {
  const evidence = new HeldEvidence(plan);
  for (const [wave, { replicas }] of plan.waves.slice(0, waves).entries())
    for (const place of replicas.keys()) {
      evidence.addReport(reportOf(plan, [wave, place]));
      evidence.addReport(reportOf(plan, [wave, place], { result: "watched", at: 1_120 }));
    }
  addWitnesses(plan, evidence, waves);
  return evidence;
}
