import { describe, expect, it } from "vitest";
import type { Clock } from "../../../src/utils/clock.js";
import { repeat } from "../../../src/utils/timing/repeat.js";

/** A clock on which nobody waits: it writes down the pauses and lets their time pass. */
function pausing(): Pick<Clock, "monotonic" | "sleep"> & { readonly pauses: number[]; passed: number } {
  const clock = {
    pauses: [] as number[],
    passed: 0,
    monotonic: () => clock.passed,
    async sleep(milliseconds: number, signal?: AbortSignal) {
      signal?.throwIfAborted();
      clock.pauses.push(milliseconds);
      clock.passed += milliseconds;
    },
  };
  return clock;
}

const unexpected = (error: unknown) => expect.unreachable(String(error));

describe("repeat", () => {
  it("runs at once, and again after each pause, until the signal aborts", async () => {
    const clock = pausing();
    const ending = new AbortController();
    const starts: number[] = [];
    const work = async () => {
      starts.push(clock.passed);
      if (starts.length === 3) ending.abort();
    };
    await repeat({ clock, everyMs: 500, signal: ending.signal, onError: unexpected, work });
    expect(starts).toEqual([0, 500, 1_000]);
  });

  it("reports what a run throws and goes on", async () => {
    const clock = pausing();
    const ending = new AbortController();
    const reported: unknown[] = [];
    let runs = 0;
    const work = async () => {
      runs += 1;
      if (runs === 3) ending.abort();
      throw new Error(`run ${runs}`);
    };
    await repeat({ clock, everyMs: 10, signal: ending.signal, onError: (error) => reported.push(error), work });
    // The third run failed because it was told to end.
    expect(reported).toEqual([new Error("run 1"), new Error("run 2")]);
  });

  it("asks how long to pause after each run, with the time that the run took", async () => {
    const clock = pausing();
    const ending = new AbortController();
    const taking = [30, 200, 0];
    const work = async () => {
      clock.passed += taking.shift() ?? 0;
      if (taking.length === 0) ending.abort();
    };
    await repeat({ clock, everyMs: (tookMs) => 100 - tookMs, signal: ending.signal, onError: unexpected, work });
    expect(clock.pauses).toEqual([70, 0]);
  });

  it("ends in the middle of a pause", async () => {
    const ending = new AbortController();
    let runs = 0;
    const clock: Pick<Clock, "monotonic" | "sleep"> = {
      monotonic: () => 0,
      async sleep(_, signal) {
        ending.abort();
        signal?.throwIfAborted();
      },
    };
    const work = async () => {
      runs += 1;
    };
    await repeat({ clock, everyMs: 3_600_000, signal: ending.signal, onError: unexpected, work });
    expect(runs).toBe(1);
  });

  it("does not run at all once the signal has aborted", async () => {
    const work = async () => expect.unreachable("a run began");
    await repeat({ clock: pausing(), everyMs: 1, signal: AbortSignal.abort(), onError: unexpected, work });
  });
});
