import { describe, expect, it } from "vitest";
import { accusation, countWitnesses } from "../../../../src/policy/rollout/gate/witnesses.js";
import { HeldEvidence, type WitnessSighting } from "../../../../src/policy/rollout/index.js";
import { planOf, sighting, statementOf } from "../fixtures.js";

const plan = planOf(10);
const planned = plan.waves[0]?.replicas[0] ?? { replica: "", host: "", surge: false, witnesses: [] };
const others = (witness: string) =>
  plan.waves.flatMap(({ replicas }) => replicas).filter((each) => each !== planned && each.witnesses.includes(witness));

/** The first witnesses say these things in interval 11. */
function count(
  said: readonly Partial<WitnessSighting>[],
  excused: readonly string[] = [],
  besides: Partial<WitnessSighting> = {},
) {
  const evidence = new HeldEvidence(plan);
  for (const [i, changes] of said.entries()) {
    const witness = planned.witnesses[i] ?? "";
    const seen = [
      sighting(plan, planned.replica, changes),
      ...others(witness).map(({ replica }) => sighting(plan, replica, { release: plan.from, ...besides })),
    ];
    evidence.addStatement(statementOf(plan, witness, seen, 11));
  }
  return countWitnesses(plan, planned, evidence, new Set(excused));
}
const times = (times: number, changes: Partial<WitnessSighting>) => Array.from({ length: times }, () => changes);
const healthy = (since = 5) => ({ since });
const sick = { verdict: "sick", release: null } as const;
const unreached = { verdict: "unreached", release: null } as const;

describe("countWitnesses", () => {
  it("calls a replica healthy since four of seven have, without a break", () => {
    expect(count(times(3, healthy())).healthySince).toBeUndefined();
    expect(count([healthy(3), healthy(9), healthy(4), healthy(6), healthy(8)]).healthySince).toBe(1_000 + 8 * 10);
  });

  it("leaves the word to the others where a witness cannot reach the host, down to a third of all", () => {
    expect(count([...times(3, healthy()), ...times(2, unreached)]).healthySince).toBeDefined();
    expect(count([...times(2, healthy()), ...times(5, unreached)]).healthySince).toBeUndefined();
  });

  it("counts neither the old release nor an unsteady one as healthy", () => {
    expect(count(times(7, { release: plan.from })).healthy).toBe(0);
    expect(count(times(7, { verdict: "unsteady" })).healthy).toBe(0);
  });

  it("asks fewer where witnesses are excused, and none in a fleet of one", () => {
    expect(count(times(2, healthy()), planned.witnesses.slice(2, 6)).healthySince).toBeDefined();
    const alone = planOf(1);
    const [only = planned] = alone.waves[0]?.replicas ?? [];
    expect(countWitnesses(alone, only, new HeldEvidence(alone), new Set()).healthySince).toBe(1_000);
  });
});

describe("accusation", () => {
  const accused = (counted: ReturnType<typeof count>, readyAt = 1_050) => accusation(plan, counted, readyAt).length > 0;

  it("takes more than two thirds of the witnesses", () => {
    expect(accused(count(times(4, sick)))).toBe(false);
    expect(accused(count(times(5, sick)))).toBe(true);
  });

  it("takes two whole intervals, since its host called it ready", () => {
    expect(accused(count(times(7, { ...sick, since: 11 })))).toBe(false);
    expect(accused(count(times(7, { ...sick, since: 10 })))).toBe(true);
    expect(accused(count(times(7, sick)), 1_101)).toBe(false);
    expect(accused(count(times(7, sick)), 1_100)).toBe(true);
  });

  it("leaves out witnesses that reached less than half of their other targets", () => {
    expect(accused(count(times(7, sick), [], unreached))).toBe(false);
  });

  it("is not for a host that cannot be reached, nor for the old release", () => {
    expect(accused(count(times(7, unreached)))).toBe(false);
    expect(accused(count(times(7, { verdict: "sick", release: plan.from })))).toBe(false);
  });

  it("never stands on one witness alone", () => {
    expect(accused(count([sick], planned.witnesses.slice(1)))).toBe(false);
  });
});
