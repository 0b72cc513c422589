import fc from "fast-check";
import { expect, it } from "vitest";
import { randomOf } from "../../harness/children.js";
import { drawPlan } from "./plan.js";

const KINDS = ["kill", "freeze", "restore"] as const;

it("draws faults that are over at the end, one an agent at a time, and on so many agents at once at most", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 4 }), (seed, atOnce) => {
      const plan = drawPlan({ kinds: KINDS, agents: 5, atOnce, seconds: 120, random: randomOf(seed) });
      for (const { agent, at, seconds } of plan) {
        expect(at + seconds).toBeLessThanOrEqual(120);
        const others = plan.filter((other) => other.at <= at && other.at + other.seconds > at);
        expect(others.length).toBeLessThanOrEqual(atOnce);
        expect(others.filter((other) => other.agent === agent)).toHaveLength(1);
      }
      expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(KINDS));
    }),
    { numRuns: 50 },
  );
});
