import { describe, expect, it } from "vitest";
import type { WorkloadOrder } from "../../../src/engines/fleet/index.js";
import { planRollout } from "../../../src/engines/fleet/plan.js";
import { type ReplicaStatus, subjectOfReplica, type WorkloadState } from "../../../src/engines/fleet/types.js";
import type { Hex, Release } from "../../../src/records/index.js";

const release = (digit: string): Release => ({
  name: `v${digit}`,
  command: ["node", `v${digit}.mjs`],
  sha256: `0x${digit.repeat(64)}` as Hex,
});
const [v1, v2, v3] = [release("1"), release("2"), release("3")];
const state: WorkloadState = {
  workload: "web",
  basePort: 4_000,
  replicas: 3,
  current: v2,
  good: [v1, v2],
  rollout: null,
};
const replica = (index: number, change: Partial<ReplicaStatus> = {}): ReplicaStatus => ({
  subject: subjectOfReplica("web", index),
  workload: "web",
  release: v2,
  instance: `${100 + index}@1`,
  alive: true,
  healthy: true,
  latencyMs: 1,
  changing: false,
  cpu: 0,
  memoryBytes: 0,
  ...change,
});
const all = [0, 1, 2].map((index) => replica(index));
const batches = (order: WorkloadOrder, statuses: readonly ReplicaStatus[] = all) =>
  planRollout(order, state, statuses).batches.map((batch) =>
    batch.map(({ index, replace }) => (replace ? index : -index)),
  );

describe("the plan of a Deploy", () => {
  it("replaces all replicas in batches, and only checks those on the release already", () => {
    expect(batches({ kind: "Deploy", workload: "web", release: v3, batch: 2 })).toEqual([[0, 1], [2]]);
    const mixed = [replica(0, { release: v3, alive: false }), replica(1, { release: v3 }), replica(2)];
    expect(batches({ kind: "Deploy", workload: "web", release: v3, batch: 3 }, mixed)).toEqual([[0, -1, 2]]);
  });

  it("ends at a failed batch, and counts the release as good only once it is done", () => {
    const plan = planRollout({ kind: "Deploy", workload: "web", release: v3, batch: 1 }, state, all);
    expect(plan).toMatchObject({ abort: true, during: { current: v3, good: [v1, v2] }, done: { good: [v1, v2, v3] } });
  });

  it("is refused for another workload", () => {
    const order = { kind: "Deploy", workload: "api", release: v3, batch: 1 } as const;
    expect(() => planRollout(order, state, all)).toThrow('The order is about workload "api", this one is "web".');
  });
});

describe("the plan of a Rollback", () => {
  it("goes back to the last good release at once, or to the one that is named", () => {
    const order = { kind: "Rollback", workload: "web", from: v2.sha256, to: null } as const;
    expect(planRollout(order, state, all)).toMatchObject({ release: v1, abort: false, done: { good: [v1] } });
    expect(batches(order)).toEqual([[0, 1, 2]]);
    expect(planRollout({ ...order, to: v3 }, state, all)).toMatchObject({ release: v3 });
  });

  it("touches nothing if no replica is on the release to leave", () => {
    const plan = planRollout({ kind: "Rollback", workload: "web", from: v3.sha256, to: null }, state, all);
    expect(plan.batches).toEqual([]);
    expect(plan.skipped.map(({ result }) => result)).toEqual(["skipped", "skipped", "skipped"]);
  });

  it("is refused without a good release before", () => {
    const order = { kind: "Rollback", workload: "web", from: v2.sha256, to: null } as const;
    expect(() => planRollout(order, { ...state, good: [v2] }, all)).toThrow("ran no good release before");
  });
});

describe("the plan of a Scale", () => {
  it("starts what is missing and removes what is too many", () => {
    expect(
      batches({ kind: "Scale", workload: "web", replicas: 5 }, [replica(0), replica(1, { alive: false })]),
    ).toEqual([[1, 2, 3, 4]]);
    const plan = planRollout({ kind: "Scale", workload: "web", replicas: 1 }, state, [...all, replica(4)]);
    expect(plan).toMatchObject({ removals: [1, 2, 3, 4], batches: [], done: { replicas: 1 } });
  });
});

describe("the plan of a Restart", () => {
  const restart = (name: string, instance: string): WorkloadOrder => ({ kind: "Restart", replica: name, instance });

  it("replaces the instance that the order names, and only checks a newer one", () => {
    expect(batches(restart("web/1", "101@1"))).toEqual([[1]]);
    expect(batches(restart("web/1", "55@1"))).toEqual([[-1]]);
  });

  it.each(["web/3", "web/01", "web/x", "api/0", "web"])("is refused for %s, which is no replica", (name) => {
    expect(() => planRollout(restart(name, "1@1"), state, all)).toThrow(`Workload "web" has no replica "${name}".`);
  });
});
