import { describe, expect, it } from "vitest";
import type { PlacedDirective } from "../../../src/client/index.js";
import {
  atBlockEnd,
  enacted,
  ordered,
  stateOf,
  type WorkloadEntry,
} from "../../../src/client/workloads/workloadTable.js";
import { NO_PLACEMENT } from "../../../src/policy/placement/index.js";
import type { OrderOf } from "../../../src/records/index.js";
import { deploySpec, releaseNamed } from "../../harness/workloads.js";
import { idOf } from "../../records/samples.js";

const head = { number: 7, time: 1_000, hash: idOf("block") };
const directive = (name: string, kind: PlacedDirective["kind"] = "Deploy"): PlacedDirective => ({
  ...{ id: idOf(name), kind, subject: idOf("subject"), payload: idOf("payload"), evidence: [], delay: 0, window: 60 },
  ...{ salt: idOf("salt"), base: idOf("base"), issuedAt: 1_000, activeAt: 1_000, deadline: 1_060, epoch: 1 },
  ...{ transactionHash: idOf("tx"), blockNumber: 7 },
});
const end = (entry: WorkloadEntry | undefined) => atBlockEnd(entry as WorkloadEntry, head, [], NO_PLACEMENT);
const deploy = (before: WorkloadEntry | undefined, name: string) =>
  ordered(before, directive(name), deploySpec("web", name), [7, 0]) as WorkloadEntry;
const done = (before: WorkloadEntry, name: string) => enacted(end(deploy(before, name)), idOf(name), "done", 1_010);

describe("what a block makes of a workload", () => {
  it("ends a rollout that was issued and enacted in the same block", () => {
    const failed = end(enacted(deploy(undefined, "v1"), idOf("v1"), "failed", 1_000));
    expect(failed.rollout).toMatchObject({ release: { name: "v1" }, enacted: { result: "failed", at: 1_000 } });
    const settled = end(enacted(deploy(failed, "v2"), idOf("v2"), "done", 1_000));
    expect(settled).toMatchObject({ settled: { release: { name: "v2" }, at: 1_000 }, rollout: undefined });
    expect(settled.beginning).toBeUndefined();
  });

  it("begins the last of several orders, from what was done before them", () => {
    const before = done(undefined as never, "v1");
    const twice = end(deploy(deploy(before, "v2"), "v3"));
    expect(twice.rollout).toMatchObject({ release: { name: "v3" }, from: { name: "v1" } });
    // The one before it was superseded at once.
    expect(enacted(deploy(deploy(before, "v2"), "v3"), idOf("v2"), "done", 1_000).settled?.release.name).toBe("v1");
  });

  it("remembers sixteen good releases, each once, the newest first", () => {
    let entry = undefined as unknown as WorkloadEntry;
    for (const round of Array.from({ length: 20 }, (_, i) => `v${i}`)) entry = done(entry, round);
    entry = done(entry, "v18");
    expect([entry.settled?.release.name, entry.good.length]).toEqual(["v18", 16]);
    expect(entry.good.slice(0, 3).map(({ name }) => name)).toEqual(["v19", "v17", "v16"]);
  });

  it("leaves what is under way if a Rollback has nothing to go back to", () => {
    const open = end(deploy(undefined, "v1"));
    const rollback: OrderOf<"Rollback"> = {
      kind: "Rollback",
      workload: "web",
      from: releaseNamed("v1").sha256,
      to: null,
    };
    expect(ordered(open, directive("back", "Rollback"), rollback, [8, 0])).toBe(open);
    const to = releaseNamed("v0");
    expect(ordered(open, directive("back", "Rollback"), { ...rollback, to }, [8, 0])?.beginning?.release).toBe(to);
  });

  it("is known by specifications alone: other orders make no workload, and a batch changes none", () => {
    const batch: OrderOf<"Deploy"> = { kind: "Deploy", workload: "web", release: releaseNamed("v9"), batch: 1 };
    expect(ordered(undefined, directive("v9"), batch, [7, 0])).toBeUndefined();
    expect(
      ordered(undefined, directive("s", "Scale"), { kind: "Scale", workload: "web", replicas: 2 }, [7, 0]),
    ).toBeUndefined();
    const open = end(deploy(undefined, "v1"));
    expect(ordered(open, directive("v9"), batch, [8, 0])).toBe(open);
  });

  it("has a plan with its fault, if nothing can be carried out", () => {
    const { rollout } = stateOf(end(deploy(undefined, "v1")), 1_020);
    expect(rollout?.plan).toEqual({ fault: "there are no replicas to take to the release" });
    expect(rollout?.facts).toEqual({ now: 1_020, excused: new Set(), enacted: null, control: null });
  });
});
