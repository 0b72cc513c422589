import { describe, expect, it } from "vitest";
import {
  type HostStepInput,
  NEW_PROGRESS,
  nextStep,
  type OwnReplica,
  type RolloutFacts,
} from "../../../../src/policy/rollout/index.js";
import { facts, planOf } from "../fixtures.js";

const plan = planOf(10);
const waiting = { kind: "hold", reason: "web/1: host001 has not reported", about: [] } as const;
const open = { kind: "advance" } as const;
const old: OwnReplica = {
  phase: "old",
  wave: 1,
  stage: undefined,
  progress: undefined,
  isHealthy: true,
  hasOld: false,
};
const taken = (result: "waiting" | "ready" | "sick", changes: Partial<OwnReplica> = {}): OwnReplica => ({
  phase: result === "waiting" ? "taking" : "serving",
  wave: undefined,
  stage: 0,
  progress: { ...NEW_PROGRESS, result, note: "it died" },
  isHealthy: result !== "sick",
  hasOld: false,
  ...changes,
});
const step = (own: OwnReplica, changes: Partial<HostStepInput> = {}) =>
  nextStep({ plan, own, facts: facts(), gate: waiting, reported: undefined, isTurn: false, ...changes });
const enacted = (result: "done" | "failed"): { readonly facts: RolloutFacts } => ({
  facts: facts({ enacted: { result, at: 1_900 } }),
});

describe("during a rollout", () => {
  it("begins when its gate is open, and holds with the gate's reason before", () => {
    expect(step(old)).toEqual({ kind: "hold", reason: waiting.reason });
    expect(step(old, { gate: open })).toEqual({ kind: "begin" });
    expect(step(old, { gate: open, facts: facts({ now: plan.deadline + 1 }) })).toMatchObject({
      reason: /lapsed: people/,
    });
  });

  it("keeps a replica that the plan does not name on the old release", () => {
    expect(step({ ...old, wave: undefined }, { gate: open })).toMatchObject({
      kind: "hold",
      reason: /not in the plan/,
    });
  });

  it("reports once that its replica is ready, and then waits", () => {
    expect(step(taken("waiting"))).toMatchObject({ kind: "hold", reason: "it is not ready yet" });
    expect(step(taken("ready"))).toMatchObject({ kind: "report", result: "ready" });
    expect(step(taken("ready"), { reported: "ready", gate: open })).toMatchObject({ kind: "hold" });
    expect(step(taken("ready", { wave: 1 }), { reported: "ready", gate: open })).toEqual({ kind: "begin" });
  });

  it("reports that it stayed ready for as long as its stage is watched", () => {
    const watched = (watchedMs: number) =>
      step(taken("ready", { progress: { ...NEW_PROGRESS, result: "ready", readyAtMs: 10_000, watchedMs } }), {
        reported: "ready",
      });
    expect(watched(29_999)).toMatchObject({ kind: "hold" });
    expect(watched(30_000)).toMatchObject({ kind: "report", result: "watched" });
    expect(step(taken("ready"), { reported: "watched" })).toMatchObject({ kind: "hold" });
  });

  it("goes back with its own sick replica at once, whatever the gate says, reports that, and does not try again", () => {
    expect(step(taken("sick"), { gate: open, reported: "ready" })).toEqual({ kind: "revert", note: "it died" });
    const reverted = taken("sick", { phase: "reverted" });
    expect(step(reverted, { reported: "ready" })).toEqual({ kind: "report", result: "sick", note: "it died" });
    for (const reported of ["sick", "unable"] as const)
      expect(step(reverted, { reported, gate: open })).toMatchObject({ kind: "hold", reason: /does not try again/ });
  });

  it("never goes back with what is irreversible: it reports, and holds for people", () => {
    const irreversible = { plan: planOf(10, { irreversible: true }) };
    expect(step(taken("sick"), irreversible)).toMatchObject({ kind: "report", result: "sick" });
    expect(step(taken("sick"), { ...irreversible, reported: "sick" })).toMatchObject({
      kind: "hold",
      reason: /irreversible/,
    });
    expect(step(taken("ready"), { ...irreversible, ...enacted("failed") })).toMatchObject({
      kind: "hold",
      reason: /people decide/,
    });
  });
});

describe("after the outcome", () => {
  it("turns back healthy replicas in their turn, and sick ones at once", () => {
    expect(step(taken("ready"), enacted("failed"))).toMatchObject({ kind: "hold", reason: /waits for its turn/ });
    expect(step(taken("ready"), { ...enacted("failed"), isTurn: true })).toEqual({ kind: "end", result: "failed" });
    expect(step(taken("sick"), enacted("failed"))).toEqual({ kind: "end", result: "failed" });
  });

  it("turns back at once where the old instance still runs beside, or nothing was begun", () => {
    expect(step(taken("ready", { hasOld: true }), enacted("failed"))).toEqual({ kind: "end", result: "failed" });
    expect(step(old, enacted("failed"))).toEqual({ kind: "end", result: "failed" });
  });

  it("finishes what is on the release at once, and takes others to it in their turn", () => {
    expect(step(taken("ready"), enacted("done"))).toEqual({ kind: "end", result: "done" });
    for (const own of [old, taken("sick", { phase: "reverted", isHealthy: true })]) {
      expect(step(own, enacted("done"))).toMatchObject({ kind: "hold", reason: /waits for its turn/ });
      expect(step(own, { ...enacted("done"), isTurn: true })).toEqual({ kind: "end", result: "done" });
    }
  });

  it("does nothing more once it has ended", () => {
    expect(step({ ...old, phase: "ended" }, enacted("done"))).toMatchObject({ kind: "hold" });
  });
});
