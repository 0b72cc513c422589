import { describe, expect, it } from "vitest";
import { judgeReplica } from "../../../../src/policy/rollout/gate/replica.js";
import { HeldEvidence, targetsOf } from "../../../../src/policy/rollout/index.js";
import { addWitnesses, facts, planOf, readyThrough, reportOf } from "../fixtures.js";

const plan = planOf(10);
const [wave] = plan.waves;
const planned = wave?.replicas[0];
if (wave === undefined || planned === undefined) throw new Error("The plan has no wave.");
const judge = (evidence: HeldEvidence, changes = {}) => judgeReplica(plan, wave, planned, evidence, facts(changes));

describe("judgeReplica", () => {
  it("calls it ready by its host's word and its witnesses', since the later of both", () => {
    // The witnesses have called it healthy since interval 5.
    expect(judge(readyThrough(plan, 1))).toEqual({ kind: "ready", at: 1_100, isWatched: true });
    const early = new HeldEvidence(plan);
    early.addReport(reportOf(plan, [0, 0], { at: 1_010 }));
    addWitnesses(plan, early, 1);
    expect(judge(early)).toEqual({ kind: "ready", at: 1_050, isWatched: false });
  });

  it("takes it for watched by words said since: of its host, and of witnesses who have called it healthy for so long", () => {
    const watched = (interval: number) => {
      const evidence = new HeldEvidence(plan);
      for (const result of ["ready", "watched"] as const) evidence.addReport(reportOf(plan, [0, 0], { result }));
      addWitnesses(plan, evidence, 1, {}, [interval]);
      return judge(evidence);
    };
    // Healthy since interval 5: after 6 it is so for 20 s.
    expect(watched(5)).toMatchObject({ kind: "ready", isWatched: false });
    expect(watched(6)).toMatchObject({ kind: "ready", isWatched: true });
  });

  it("believes neither alone", () => {
    const alone = new HeldEvidence(plan);
    alone.addReport(reportOf(plan, [0, 0]));
    expect(judge(alone)).toEqual({ kind: "unknown", reason: "0 of 7 witnesses call it healthy" });
    const others = new HeldEvidence(plan);
    addWitnesses(plan, others, 1);
    expect(judge(others)).toEqual({ kind: "unknown", reason: `${planned.host} has not reported` });
  });

  it("counts what its host admits, whatever else it says", () => {
    for (const result of ["sick", "unable"] as const) {
      const evidence = readyThrough(plan, 1);
      evidence.addReport(reportOf(plan, [0, 0], { result }));
      expect(judge(evidence)).toMatchObject({ kind: "admitted", report: { result } });
      expect(judge(evidence, { excused: new Set([planned.host]) }).kind).toBe("admitted");
    }
  });

  it("tells a host that lies about its own health apart by its witnesses", () => {
    const evidence = new HeldEvidence(plan);
    evidence.addReport(reportOf(plan, [0, 0]));
    addWitnesses(plan, evidence, 1, { verdict: "sick", release: null }, [20, 21]);
    expect(judge(evidence).kind).toBe("accused");
  });

  it("excuses a suspended host, whatever is found where the plan has its replica", () => {
    const evidence = new HeldEvidence(plan);
    evidence.addReport(reportOf(plan, [0, 0]));
    addWitnesses(plan, evidence, 1, { verdict: "sick", release: null }, [20, 21]);
    expect(judge(evidence, { excused: new Set([planned.host]) })).toEqual({ kind: "excused" });
  });

  it("waits for a word that is dated ahead, and says so of too few samples", () => {
    const ahead = new HeldEvidence(plan);
    ahead.addReport(reportOf(plan, [0, 0], { at: 9_999 }));
    expect(judge(ahead).kind).toBe("unknown");
    const few = new HeldEvidence(plan);
    few.addReport(reportOf(plan, [0, 0], { result: "inconclusive" }));
    expect(judge(few)).toEqual({ kind: "unknown", reason: "its host has too few samples" });
  });
});

describe("targetsOf", () => {
  it("names what a host was drawn to probe", () => {
    const [witness = ""] = planned.witnesses;
    expect(targetsOf(plan, witness)).toContain(planned);
    expect(targetsOf(plan, planned.host)).not.toContain(planned);
  });
});
