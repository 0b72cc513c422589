import { describe, expect, it } from "vitest";
import { NO_PLACEMENT, type PlacementView, place } from "../../../../src/policy/placement/index.js";
import { planStages, previewFault, previewRollout, rolloutSeconds } from "../../../../src/policy/rollout/index.js";
import type { WorkloadSpec } from "../../../../src/records/index.js";
import { spec as sample } from "../../../records/samples.js";
import { host, view, workload } from "../../placement/fixtures.js";
import { hex } from "../fixtures.js";

const hosts = [host("a"), host("b"), host("c", { labels: { disk: "ssd" } })];
const spec: WorkloadSpec = { ...sample, replicas: 6, selector: {}, spread: null };
const fleet = (at: PlacementView) => ({ view: at, placement: place(at, NO_PLACEMENT) });
const empty = fleet(view([], hosts));
const preview = (changes: Partial<WorkloadSpec> = {}, of = empty, seconds?: number) =>
  previewRollout(of, { workload: "web", spec: { ...spec, ...changes }, from: hex("a"), to: hex("b"), seconds });

describe("what a Deploy would do", () => {
  it("shows where its replicas would be, and the least window in which it can be carried out", () => {
    const { placement, planned, seats, seconds } = preview();
    expect(seats.map(({ host: name }) => name).sort()).toEqual(["a", "a", "b", "b", "c", "c"]);
    expect(placement.seats.size).toBe(6);
    expect(planned.plan?.waves.flatMap(({ replicas }) => replicas)).toHaveLength(6);
    expect(seconds).toBe(rolloutSeconds(spec, 6));
    expect(previewFault(preview({}, empty, seconds), "web")).toBeUndefined();
    expect(previewFault(preview({}, empty, seconds - 1), "web")).toContain("shorter than the plan");
  });

  it("needs as long as the plan itself says, by each strategy", () => {
    const strategies: WorkloadSpec["strategy"][] = [
      { kind: "rolling", maxUnavailable: 2, maxSurge: 1 },
      { kind: "canary", maxUnavailable: 3, maxSurge: 1, shares: [20, 100], soakSeconds: 30 },
      { kind: "blue-green", soakSeconds: 60 },
    ];
    for (const strategy of strategies) {
      const { seats } = preview({ strategy });
      const seconds = rolloutSeconds({ ...spec, strategy }, seats.length);
      const plan = (deadline: number) =>
        planStages({
          ...{ directive: hex("0"), workload: "web", from: hex("a"), to: hex("b"), seats, present: ["a", "b", "c"] },
          ...{ issue: { hash: hex("1"), time: 1_000 }, strategy, timing: spec.timing, irreversible: false },
          ...{ deadline, exclusive: false },
        });
      expect([plan(1_000 + seconds).fault, plan(999 + seconds).fault]).toEqual([undefined, expect.any(String)]);
    }
  });

  it("leaves others where they are: a new workload is the youngest, a known one keeps its age and its seats", () => {
    const old = workload("old", { replicas: 4, since: [1, 0] });
    const before = fleet(view([old, workload("web", { replicas: 2, since: [2, 0] })], hosts));
    const { placement, seats } = preview({ replicas: 8 }, before);
    for (const [replica, seat] of before.placement.seats) expect(placement.seats.get(replica)).toEqual(seat);
    expect(seats).toHaveLength(8);
    const added = previewRollout(before, {
      workload: "new",
      spec: { ...spec, replicas: 9 },
      from: hex("a"),
      to: hex("b"),
    });
    expect(added.seats).toHaveLength(6);
    expect(added.placement.unplaced).toHaveLength(3);
  });

  it("has a fault if no host takes a replica, or if one that must not run twice would", () => {
    expect(previewFault(preview({ selector: { disk: "tape" } }), "web")).toBe(
      "no replica of web can be placed: no host that is present and not draining has the labels that it asks for",
    );
    expect(previewFault(preview({ replicas: "all" }, fleet(view([], []))), "web")).toBe(
      "no replica of web can be placed: no host takes one",
    );
    const twice = preview({ exclusive: true, strategy: { kind: "rolling", maxUnavailable: 1, maxSurge: 1 } });
    expect(previewFault(twice, "web")).toContain("must not run beside another");
  });
});
