import { describe, expect, it } from "vitest";
import {
  NEW_PROGRESS,
  type ProbeResult,
  progressAfter,
  type ReplicaProgress,
  resumed,
  watchedAnew,
} from "../../../../src/policy/rollout/index.js";

const timing = { minReadySeconds: 6, progressSeconds: 20 };
/** One probe every two seconds: `+` healthy, `-` unhealthy, `x` died. */
function progressed(probes: string, from: ReplicaProgress = NEW_PROGRESS): ReplicaProgress {
  const results: Record<string, ProbeResult> = { "+": "healthy", "-": "unhealthy", x: "died" };
  return [...probes].reduce(
    (progress, probe) => progressAfter(progress, results[probe] ?? "died", 2_000, timing),
    from,
  );
}

describe("progressAfter", () => {
  it("is ready after the time without a failed probe", () => {
    expect(progressed("--+++").result).toBe("waiting");
    expect(progressed("--++++").result).toBe("ready");
    expect(progressed("-++-++++").result).toBe("ready");
  });

  it("is sick at the progress deadline, which flapping does not reset", () => {
    expect(progressed("++-++-++-").result).toBe("waiting");
    expect(progressed("++-++-++-+")).toMatchObject({ result: "sick", note: "not healthy for 6 s within 20 s" });
  });

  it("is sick once it dies, ready or not, and stays so", () => {
    expect(progressed("+x")).toMatchObject({ result: "sick", note: "it died" });
    expect(progressed("++++x").result).toBe("sick");
    expect(progressed("x++++++").result).toBe("sick");
  });

  it("is sick if four of the last eight probes fail after it was ready, in a row or not", () => {
    expect(progressed("++++-+-+-+").result).toBe("ready");
    expect(progressed("++++-+-+-+-")).toMatchObject({ result: "sick", note: "4 of 7 probes failed" });
    expect(progressed("++++----").result).toBe("sick");
    expect(progressed("++++---++++++---").result).toBe("ready");
  });
});

describe("watchedAnew", () => {
  it("counts from now for how long it has been ready", () => {
    const ready = progressed("++++++");
    expect(ready).toMatchObject({ readyAtMs: 8_000, watchedMs: 12_000 });
    expect(watchedAnew(ready).readyAtMs).toBe(12_000);
  });
});

describe("resumed", () => {
  it("counts healthy anew, and runs on towards the deadline", () => {
    const again = resumed(progressed("--+++"));
    expect(progressed("+++", again).result).toBe("waiting");
    expect(progressed("++++", again).result).toBe("ready");
    expect(progressed("-----", again).result).toBe("sick");
  });
});
