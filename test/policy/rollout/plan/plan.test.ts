import { describe, expect, it } from "vitest";
import { planStages, WITNESSES } from "../../../../src/policy/rollout/index.js";
import { hex, parameters, planOf } from "../fixtures.js";

describe("planStages", () => {
  it("is the same for all who have the block, in whatever order they hold seats and hosts", () => {
    const given = parameters(20);
    const turned = { ...given, seats: [...given.seats].reverse(), present: [...given.present].reverse() };
    expect(planStages(turned)).toEqual(planStages(given));
  });

  it("lets the issue's hash say who goes first, and who watches whom", () => {
    const one = planOf(20);
    const other = planOf(20, { issue: { hash: hex("2"), time: 1_000 } });
    expect(other.waves[0]?.replicas).not.toEqual(one.waves[0]?.replicas);
  });

  it("takes each replica once, watched by seven other hosts, or by all others of a small fleet", () => {
    const replicas = planOf(20).waves.flatMap((wave) => wave.replicas);
    expect(new Set(replicas.map(({ replica }) => replica)).size).toBe(20);
    for (const { host, witnesses } of replicas) {
      expect(new Set(witnesses).size).toBe(WITNESSES);
      expect(witnesses).not.toContain(host);
    }
    expect(planOf(4).waves[0]?.replicas[0]?.witnesses).toHaveLength(3);
  });

  it("begins on as many hosts as it can", () => {
    const { present } = parameters(4);
    const seats = present.flatMap((host, i) =>
      [0, 1, 2].map((place) => ({ replica: `web/${3 * i + place}`, workload: "web", host, since: 1 })),
    );
    const strategy = { kind: "rolling", maxUnavailable: 4, maxSurge: 0 } as const;
    const plan = planOf(4, { seats, strategy, failureLimit: 0 });
    expect(plan.waves.map(({ replicas }) => new Set(replicas.map(({ host }) => host)).size)).toEqual([4, 4, 4]);
  });

  it("switches the replicas that it started beside the others", () => {
    const plan = planOf(5, { strategy: { kind: "blue-green", soakSeconds: 30 } });
    expect(plan.waves.map(({ action, stage }) => [stage, action])).toEqual([
      [0, "take"],
      [1, "switch"],
    ]);
    expect(plan.waves[1]?.replicas).toEqual(plan.waves[0]?.replicas);
  });

  it("begins each wave while all that is left, and turning back, fit into the window", () => {
    const { waves, deadline } = planOf(10, { deadline: 2_000 });
    // Of 10 at most 4 at once, one of them kept for a failure: 3 + 3 + 3 + 1. A wave takes 5 + 10 + 2 * 2 + 10 = 29 s, two of
    // them 20 s more; turning back 4 turns of 39 s, and 10 s.
    expect(waves.map(({ beginBy }) => deadline - beginBy)).toEqual(
      [4 * 29 + 40, 3 * 29 + 20, 2 * 29 + 20, 29 + 20].map((each) => each + 166),
    );
  });

  it("refuses a window that is shorter than the plan and turning back", () => {
    const needed = 4 * 29 + 40 + 166;
    expect(planStages(parameters(10, { deadline: 1_000 + needed })).fault).toBeUndefined();
    expect(planStages(parameters(10, { deadline: 999 + needed })).fault).toMatch(/window of 321 s is shorter/);
  });

  it("refuses to run an exclusive replica beside itself", () => {
    const strategy = { kind: "rolling", maxUnavailable: 1, maxSurge: 1 } as const;
    expect(planStages(parameters(3, { strategy, exclusive: true })).fault).toMatch(/exclusive/);
  });
});
