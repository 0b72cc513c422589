import { expect, it } from "vitest";
import { planKey } from "../../../src/agent/loop/planKey.js";
import type { PlannedProposal } from "../../../src/policy/index.js";
import type { ContentId } from "../../../src/records/index.js";

const [one, two] = [`0x${"11".repeat(32)}`, `0x${"22".repeat(32)}`] as [ContentId, ContentId];
const plan: PlannedProposal = {
  order: { kind: "Scale", workload: "web", replicas: 7 },
  subject: "workload/web",
  evidence: [one, two],
  delay: 0,
  window: 600,
};

it("is the same for the same order on the same evidence, in any order, however often it was tried", () => {
  expect(planKey({ ...plan, evidence: [two, one], attempt: 3, openingWindow: 5 })).toBe(planKey(plan));
});

it("differs where the order, its subject or its evidence does: to scale to 8 is not to scale to 7", () => {
  const others = [
    { ...plan, order: { ...plan.order, replicas: 8 } as const },
    { ...plan, subject: "workload/api" },
    { ...plan, evidence: [one] },
  ];
  expect(new Set([plan, ...others].map(planKey)).size).toBe(4);
});
