import { describe, expect, it } from "vitest";
import { createObserve } from "../../../../src/agent/loop/monitor/observe.js";
import type { DiskState } from "../../../../src/records/index.js";
import { systemClock } from "../../../../src/utils/clock.js";
import { replica, wellMachine } from "../../../policy/fixtures.js";

const well = {
  clock: systemClock,
  machine: async () => ({ cpu: 0, memory: 0 }),
  connectivity: () => 1,
  ping: async () => undefined,
  listReplicas: async () => [],
};

describe("an observation", () => {
  it("tells of a disk that is not well, as it is after another look at it", async () => {
    let state: DiskState | undefined;
    const disk = {
      get state() {
        return state;
      },
      update: async () => {
        state = state === undefined ? "low-space" : undefined;
      },
    };
    const observe = createObserve({ ...well, disk });
    expect(await observe(0)).toMatchObject({ disk: "low-space" });
    expect(await observe(1)).not.toHaveProperty("disk");
  });

  it("goes without the replicas where they cannot be listed, and tells why", async () => {
    const errors: unknown[] = [];
    const damaged = new Error("damaged");
    const observe = createObserve({
      ...well,
      listReplicas: () => Promise.reject(damaged),
      onError: (error) => errors.push(error),
    });
    expect(await observe(0)).toMatchObject({ replicas: [], probeErrors: 1 });
    expect(errors).toEqual([damaged]);
  });

  it("measures loss over the last twenty pings, and latency at the replicas, or else at its own probes", async () => {
    let now = 1_000;
    let answers = true;
    let seen = [replica(1, { latencyMs: 9 }), replica(2, { latencyMs: 2 }), replica(3, { latencyMs: null })];
    const observe = createObserve({
      clock: { ...systemClock, now: () => now, monotonic: () => now },
      machine: async () => {
        now += 40;
        return { cpu: wellMachine.cpu, memory: wellMachine.memory };
      },
      connectivity: () => 0.5,
      ping: () => (answers ? Promise.resolve() : Promise.reject(new Error("no chain"))),
      listReplicas: async () => seen,
    });
    expect(await observe(3)).toEqual({
      cycle: 3,
      machine: { ...wellMachine, connectivity: 0.5, latencyMs: 9 },
      replicas: seen,
      probeErrors: 0,
    });
    seen = [];
    answers = false;
    expect(await observe(4)).toMatchObject({ machine: { loss: 0.5, latencyMs: 40 }, probeErrors: 1 });
    answers = true;
    for (let cycle = 5; cycle < 23; cycle++) await observe(cycle);
    expect((await observe(23)).machine.loss).toBe(0.05);
    expect((await observe(24)).machine.loss).toBe(0);
  });
});
