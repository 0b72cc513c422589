import { expect, it } from "vitest";
import { explainGate, isExplained } from "../../../../src/policy/rollout/index.js";
import { facts, planOf, readyThrough, reportOf } from "../fixtures.js";

const plan = planOf(10);

it("explains a verdict by all its inputs, so that it can be computed again from JSON alone", () => {
  const evidence = readyThrough(plan, 1);
  evidence.addReport(reportOf(plan, [0, 0], { result: "sick" }));
  const excused = new Set([plan.waves[1]?.replicas[0]?.host ?? ""]);
  for (const gate of [0, 1, 2]) {
    const explanation = explainGate(plan, gate, evidence, facts({ excused }));
    expect(isExplained(JSON.parse(JSON.stringify(explanation)))).toBe(true);
  }
});

it("shows an explanation that leaves out a report, or that claims another verdict", () => {
  const evidence = readyThrough(plan, 1);
  for (const place of [0, 1]) evidence.addReport(reportOf(plan, [0, place], { result: "sick" }));
  const explanation = explainGate(plan, 1, evidence, facts());
  expect(explanation.verdict.kind).toBe("failed");
  const left = explanation.reports.filter(({ result }) => result !== "sick");
  expect(isExplained({ ...explanation, reports: left })).toBe(false);
  expect(isExplained({ ...explanation, verdict: { kind: "advance" } })).toBe(false);
});
