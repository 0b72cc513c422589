import { expect, it } from "vitest";
import {
  type HeldEvidence,
  judgeOutcome,
  judgeReplicas,
  type RolloutFacts,
} from "../../../../src/policy/rollout/index.js";
import { facts, planOf, readyThrough, reportOf } from "../fixtures.js";

const plan = planOf(10);
function resultOf(evidence: HeldEvidence, changes: Partial<RolloutFacts> = {}) {
  const known = facts(changes);
  return judgeOutcome(plan, judgeReplicas(plan, evidence, known), known).result;
}

it("attests `done` once all waves are through, and nothing before", () => {
  // The last wave has as many replicas as may fail alone: it is passed over only after its time.
  const but = readyThrough(plan, plan.waves.length - 1);
  expect(resultOf(but, { now: 1_100 + plan.timing.progressSeconds - 1 })).toBeUndefined();
  expect(resultOf(readyThrough(plan, plan.waves.length))).toBe("done");
});

it("attests `failed` for what fails after all were through", () => {
  const evidence = readyThrough(plan, plan.waves.length);
  for (const place of [0, 1]) evidence.addReport(reportOf(plan, [0, place], { result: "sick", at: 1_900 }));
  expect(resultOf(evidence)).toBe("failed");
});

it("attests nothing after the outcome, or after the deadline", () => {
  const evidence = readyThrough(plan, plan.waves.length);
  expect(resultOf(evidence, { enacted: { result: "done", at: 1 } })).toBeUndefined();
  expect(resultOf(evidence, { now: plan.deadline + 1 })).toBeUndefined();
});
