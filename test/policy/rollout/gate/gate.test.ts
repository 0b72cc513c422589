import { describe, expect, it } from "vitest";
import {
  HeldEvidence,
  judgeGate,
  judgeReplicas,
  type RolloutFacts,
  type StagePlan,
} from "../../../../src/policy/rollout/index.js";
import { addWitnesses, facts, planOf, readyThrough, reportOf } from "../fixtures.js";

const plan = planOf(10);
const hostOf = (wave: number, place: number) => plan.waves[wave]?.replicas[place]?.host ?? "";
function judge(gate: number, evidence: HeldEvidence, changes: Partial<RolloutFacts> = {}, of: StagePlan = plan) {
  const known = facts(changes);
  return judgeGate(of, gate, judgeReplicas(of, evidence, known), known);
}
const nothing = () => new HeldEvidence(plan);

describe("a gate advances", () => {
  it("at the first wave, on nothing; at others on positive evidence of all before", () => {
    expect(judge(0, nothing()).kind).toBe("advance");
    expect(judge(1, nothing()).kind).toBe("hold");
    expect(judge(1, readyThrough(plan, 1)).kind).toBe("advance");
    expect(judge(2, readyThrough(plan, 1)).kind).toBe("hold");
    expect(judge(plan.waves.length, readyThrough(plan, plan.waves.length)).kind).toBe("advance");
  });

  it("though as many as the failure limit have not shown that they are ready, once they had the time to", () => {
    const evidence = new HeldEvidence(plan);
    for (const place of [1, 2])
      for (const result of ["ready", "watched"] as const) evidence.addReport(reportOf(plan, [0, place], { result }));
    addWitnesses(plan, evidence, 1);
    expect(judge(1, evidence, { now: 1_100 + 59 })).toMatchObject({ kind: "hold", reason: /has not reported/ });
    expect(judge(1, evidence, { now: 1_100 + 60 }).kind).toBe("advance");
    evidence.addReport(reportOf(plan, [0, 0], { result: "sick" }));
    expect(judge(1, evidence, { now: 1_120 }).kind).toBe("advance");
  });

  it("without hosts that were suspended since, as long as half of what was taken is ready", () => {
    const strict = planOf(10, { failureLimit: 0 });
    const [first] = strict.waves;
    const evidence = new HeldEvidence(strict);
    for (const place of [0, 1])
      for (const result of ["ready", "watched"] as const) evidence.addReport(reportOf(strict, [0, place], { result }));
    addWitnesses(strict, evidence, 1);
    expect(judge(1, evidence, { excused: new Set([first?.replicas[2]?.host ?? ""]) }, strict).kind).toBe("advance");
    const all = new Set(first?.replicas.map(({ host }) => host));
    expect(judge(1, new HeldEvidence(strict), { excused: all }, strict)).toMatchObject({
      kind: "hold",
      reason: /only 0 of 3/,
    });
  });

  it("within a stage on replicas that are ready, at its end on such that have stayed so", () => {
    const unwatched = new HeldEvidence(plan);
    for (const wave of [0, 1, 2]) {
      for (const place of plan.waves[wave]?.replicas.keys() ?? []) {
        unwatched.addReport(reportOf(plan, [wave, place]));
        if (wave === 0) unwatched.addReport(reportOf(plan, [wave, place], { result: "watched" }));
      }
    }
    addWitnesses(plan, unwatched, 3);
    expect(plan.waves.map(({ stage }) => stage)).toEqual([0, 1, 1, 1]);
    expect([1, 2, 3].map((gate) => judge(gate, unwatched).kind)).toEqual(["advance", "advance", "advance"]);
    const first = new HeldEvidence(plan);
    for (const place of [0, 1, 2]) first.addReport(reportOf(plan, [0, place]));
    addWitnesses(plan, first, 1);
    expect(judge(1, first)).toMatchObject({ kind: "hold", reason: /it is watched/ });
  });

  it("once the stage was watched for its time", () => {
    expect(judge(1, readyThrough(plan, 1), { now: 1_119 })).toMatchObject({
      kind: "hold",
      reason: /watched until 1120/,
    });
    expect(judge(1, readyThrough(plan, 1), { now: 1_120 }).kind).toBe("advance");
  });

  it("where the DAO promotes, without evidence, up to the gate that it names; not against a failure", () => {
    const control = { action: "promote", gate: 1 } as const;
    expect(judge(1, nothing(), { control }).kind).toBe("advance");
    expect(judge(2, nothing(), { control }).kind).toBe("hold");
    const evidence = nothing();
    for (const place of [0, 1]) evidence.addReport(reportOf(plan, [0, place], { result: "sick" }));
    expect(judge(1, evidence, { control }).kind).toBe("failed");
  });
});

describe("a gate holds", () => {
  it("and says for what, with the replicas", () => {
    expect(judge(1, nothing())).toEqual({
      kind: "hold",
      reason: [0, 1, 2]
        .map((i) => `${plan.waves[0]?.replicas[i]?.replica}: ${hostOf(0, i)} has not reported`)
        .join("; "),
      about: plan.waves[0]?.replicas.map(({ replica }) => replica),
    });
  });

  it("while paused, when it is too late to begin, and after the outcome", () => {
    const evidence = readyThrough(plan, 1);
    expect(judge(1, evidence, { control: { action: "pause" } })).toMatchObject({ reason: "the DAO paused it" });
    expect(judge(1, evidence, { control: { action: "resume" } }).kind).toBe("advance");
    const beginBy = plan.waves[1]?.beginBy ?? 0;
    expect(judge(1, evidence, { now: beginBy }).kind).toBe("advance");
    expect(judge(1, evidence, { now: beginBy + 1 })).toMatchObject({ kind: "hold", reason: /too late/ });
    expect(judge(1, evidence, { enacted: { result: "failed", at: 1 } })).toMatchObject({
      reason: "it was enacted failed",
    });
  });
});

describe("a rollout fails", () => {
  it("where more hosts admit a sick replica than may, whichever gate is asked, with their reports", () => {
    const evidence = readyThrough(plan, 1);
    evidence.addReport(reportOf(plan, [0, 0], { result: "sick" }));
    expect(judge(1, evidence).kind).toBe("advance");
    evidence.addReport(reportOf(plan, [0, 1], { result: "unable" }));
    for (const gate of [0, 1, 3]) {
      const verdict = judge(gate, evidence);
      expect(verdict).toMatchObject({ kind: "failed", reason: "2 hosts admit a sick replica, and 1 may" });
      expect(verdict.kind === "failed" && verdict.reports.map(({ result }) => result)).toEqual(["sick", "unable"]);
    }
  });

  it("where witnesses alone accuse a third of what was taken, and more than may fail", () => {
    const evidence = new HeldEvidence(plan);
    for (const place of [0, 1, 2]) evidence.addReport(reportOf(plan, [0, place]));
    addWitnesses(plan, evidence, 1, { verdict: "sick", release: null }, [20, 21]);
    const verdict = judge(1, evidence);
    expect(verdict).toMatchObject({ kind: "failed", reason: "witnesses alone call 3 of 3 replicas sick" });
    expect(verdict.kind === "failed" && verdict.statements.length).toBeGreaterThan(0);
  });

  it("where the DAO aborts it", () => {
    expect(judge(0, nothing(), { control: { action: "abort" } }).kind).toBe("failed");
  });
});
