import { describe, expect, it } from "vitest";
import { watchBatch } from "../../../src/engines/fleet/progress.js";
import type { ReplicaStatus } from "../../../src/engines/fleet/types.js";
import type { Clock } from "../../../src/utils/clock.js";
import { frozen, TestClock } from "../../harness/clock.js";

const status = (change: Partial<ReplicaStatus> = {}): ReplicaStatus => ({
  subject: "replica/web/0",
  workload: "web",
  release: { name: "v1", sha256: `0x${"11".repeat(32)}` },
  instance: "100@1",
  alive: true,
  healthy: true,
  latencyMs: 1,
  changing: false,
  cpu: 0,
  memoryBytes: 0,
  ...change,
});
const sick = { healthy: false } as const;

/** Watches one replica, of which each probe shows the next status; 100 ms pass and the wall clock steps between two probes. */
async function watched(statuses: readonly Partial<ReplicaStatus>[], wallStepMs = 0) {
  const time = new TestClock(frozen(1_000_000_000));
  const clock: Clock = {
    now: () => time.now(),
    monotonic: () => time.monotonic(),
    after: (milliseconds, work) => time.after(milliseconds, work),
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      time.pass(milliseconds);
      time.stepWall(wallStepMs);
    },
  };
  let probes = 0;
  const probe = async () => status(statuses[Math.min(probes++, statuses.length - 1)]);
  const options = { minReadyMs: 300, progressDeadlineMs: 1_000, probeEveryMs: 100, clock };
  const [detail] = await watchBatch([0], probe, options);
  return { result: detail?.result, note: detail?.note, probes };
}

describe("a batch", () => {
  it("is done once its replica was healthy for long enough without a break", async () => {
    expect(await watched([{}])).toEqual({ result: "done", note: "healthy as 100@1", probes: 4 });
    expect(await watched([sick, {}, sick, {}])).toMatchObject({ result: "done", probes: 7 });
  });

  it("fails at its deadline, which a replica that flaps does not reset", async () => {
    const flapping = Array.from({ length: 20 }, (_, probe) => (probe % 3 === 2 ? sick : {}));
    const failed = { result: "failed", note: "not healthy for 300 ms in time", probes: 11 };
    expect(await watched(flapping)).toEqual(failed);
    expect(await watched([sick])).toEqual(failed);
  });

  it("fails at once when its replica dies", async () => {
    expect(await watched([{}, { alive: false, healthy: false }])).toEqual({
      result: "failed",
      note: "100@1 died",
      probes: 2,
    });
  });

  it.each([-3_600_000, 3_600_000])(
    "ends the same while the wall clock steps by %i ms between two probes",
    async (step) => {
      expect(await watched([{}], step)).toEqual(await watched([{}]));
      expect(await watched([sick], step)).toEqual(await watched([sick]));
    },
  );

  it("stops with the signal's reason", async () => {
    const signal = AbortSignal.abort(new Error("the agent stops"));
    const options = { minReadyMs: 1, progressDeadlineMs: 1, probeEveryMs: 1, clock: frozen(), signal };
    await expect(watchBatch([0], async () => status(), options)).rejects.toThrow("the agent stops");
  });
});
