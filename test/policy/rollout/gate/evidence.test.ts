import { describe, expect, it } from "vitest";
import { HeldEvidence } from "../../../../src/policy/rollout/index.js";
import { hex, planOf, reportOf, sighting, statementOf } from "../fixtures.js";

const plan = planOf(10);
const [target] = plan.waves[0]?.replicas ?? [];
const witness = target?.witnesses[0] ?? "";
const say = (verdict: "healthy" | "sick", interval = 10) =>
  statementOf(plan, witness, [sighting(plan, target?.replica ?? "", { verdict })], interval);

describe("HeldEvidence", () => {
  it("holds a report of each result: the earliest, in whatever order they come", () => {
    const reports = [
      reportOf(plan, [0, 0], { at: 1_200 }),
      reportOf(plan, [0, 0], { at: 1_100 }),
      reportOf(plan, [0, 0], { result: "sick" }),
    ];
    const held = [reports, [...reports].reverse()].map((order) => {
      const evidence = new HeldEvidence(plan);
      for (const report of order) evidence.addReport(report);
      return evidence.reports(0, target?.replica ?? "");
    });
    for (const each of held)
      expect(new Set(each.map(({ at, result }) => `${result} ${at}`))).toEqual(new Set(["ready 1100", "sick 1100"]));
  });

  it.each([
    ["of another rollout", { directive: hex("e") }],
    ["of a host that does not have the replica", { host: "host999" }],
    ["of a replica that is not in the plan", { replica: "web/99" }],
    ["of a stage that the plan does not have", { stage: 7 }],
  ])("refuses a report %s", (_, changes) => {
    expect(new HeldEvidence(plan).addReport(reportOf(plan, [0, 0], changes))).toBe(false);
  });

  it("takes news once", () => {
    const evidence = new HeldEvidence(plan);
    expect([evidence.addReport(reportOf(plan, [0, 0])), evidence.addReport(reportOf(plan, [0, 0]))]).toEqual([
      true,
      false,
    ]);
    expect([evidence.addStatement(say("healthy")), evidence.addStatement(say("healthy"))]).toEqual([true, false]);
  });

  it("takes the word of witnesses on what they were drawn for, and on nothing else", () => {
    const evidence = new HeldEvidence(plan);
    const others = plan.waves.flatMap(({ replicas }) => replicas).find(({ witnesses }) => !witnesses.includes(witness));
    expect(evidence.addStatement(statementOf(plan, witness, [sighting(plan, others?.replica ?? "")]))).toBe(false);
    expect(evidence.addStatement({ ...say("healthy"), witness: "host999" })).toBe(false);
  });

  it("lets a witness that says two things of one interval count for nothing, and passes that on once", () => {
    const evidence = new HeldEvidence(plan);
    evidence.addStatement(say("healthy"));
    expect(evidence.addStatement(say("sick"))).toBe(true);
    expect(evidence.contradicts(witness)).toBe(true);
    expect(evidence.statements(witness)).toEqual([]);
    expect([evidence.addStatement(say("sick")), evidence.addStatement(say("healthy"))]).toEqual([false, false]);
  });

  it("keeps the newest statements of a witness, however many it sends, newest first", () => {
    const evidence = new HeldEvidence(plan);
    for (const interval of [12, 10, 40, 11, 30, 20]) evidence.addStatement(say("sick", interval));
    expect(evidence.statements(witness).map(({ interval }) => interval)).toEqual([40, 30, 20, 12]);
    expect(evidence.addStatement(say("sick", 5))).toBe(false);
  });
});
