import { describe, expect, it } from "vitest";
import { type ReplicaStatus, verifyRollout } from "../../../src/engines/fleet/index.js";
import { v1, v2 } from "./testFleet.js";

const status = (index: number, change: Partial<ReplicaStatus> = {}): ReplicaStatus => ({
  subject: `replica/web/${index}`,
  workload: "web",
  release: v1,
  instance: `${100 + index}@5`,
  alive: true,
  healthy: true,
  latencyMs: 3,
  changing: false,
  cpu: 0,
  memoryBytes: 1,
  ...change,
});
const well = [status(0), status(1)];
const dead = { alive: false, healthy: false, latencyMs: null };

describe("what a node sees", () => {
  it("bears out a deploy when all replicas are well on the release", () => {
    const order = { kind: "Deploy", workload: "web", release: v1, batch: 1 } as const;
    expect(verifyRollout(order, well).holds).toBe(true);
    expect(verifyRollout(order, [...well, status(2, { release: v2, workload: "db" })]).holds).toBe(true);
    expect(verifyRollout(order, [status(0), status(1, { release: v2 })])).toEqual({
      holds: false,
      why: "replica/web/1 is on release v2",
    });
    expect(verifyRollout(order, [status(0), status(1, dead)])).toEqual({ holds: false, why: "replica/web/1 is dead" });
    expect(verifyRollout(order, [status(0, { healthy: false })]).why).toBe("replica/web/0 (100@5) is unhealthy");
    expect(verifyRollout(order, []).holds).toBe(false);
  });

  it("confirms a failed deploy only if a replica on that release has a fault", () => {
    const order = { kind: "Deploy", workload: "web", release: v2, batch: 1 } as const;
    expect(verifyRollout(order, well, "failed").holds).toBe(false);
    expect(verifyRollout(order, [status(0, { release: v2 }), status(1)], "failed").holds).toBe(false);
    expect(verifyRollout(order, [status(0, { release: v2, healthy: false }), status(1)], "failed").holds).toBe(true);
  });

  it("bears out a rollback when nothing is left of the release and all are well", () => {
    const order = { kind: "Rollback", workload: "web", from: v2.sha256, to: null } as const;
    expect(verifyRollout(order, well).holds).toBe(true);
    expect(verifyRollout(order, [status(0), status(1, { release: v2 })]).holds).toBe(false);
    expect(verifyRollout({ ...order, to: v2, from: v1.sha256 }, well).holds).toBe(false);
    expect(verifyRollout(order, [status(0), status(1, dead)], "failed").holds).toBe(true);
    expect(verifyRollout(order, []).holds).toBe(false);
  });

  it("confirms a restart if the replica is healthy as another instance", () => {
    const order = { kind: "Restart", replica: "web/1", instance: "9@9" } as const;
    expect(verifyRollout(order, well).holds).toBe(true);
    expect(verifyRollout({ ...order, instance: "101@5" }, well).holds).toBe(false);
    expect(verifyRollout(order, [status(0), status(1, dead)]).holds).toBe(false);
    expect(verifyRollout({ ...order, replica: "web/7" }, well)).toEqual({ holds: false, why: "web/7 does not exist" });
  });

  it("bears out a scaling when as many are alive as ordered", () => {
    const order = { kind: "Scale", workload: "web", replicas: 2 } as const;
    expect(verifyRollout(order, well).holds).toBe(true);
    expect(verifyRollout({ ...order, replicas: 3 }, well).holds).toBe(false);
    expect(verifyRollout(order, [status(0), status(1, dead)]).holds).toBe(false);
  });

  it("bears out nothing while an executor is at work", () => {
    const order = { kind: "Scale", workload: "web", replicas: 2 } as const;
    const seen = [status(0), status(1, { changing: true })];
    expect(verifyRollout(order, seen).holds).toBe(false);
    expect(verifyRollout(order, seen, "failed").holds).toBe(false);
  });
});
