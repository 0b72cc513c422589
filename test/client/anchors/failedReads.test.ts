import { beforeEach, describe, expect, it } from "vitest";
import { FailedReads } from "../../../src/client/anchors/failedReads.js";
import { stepped, type TestClock } from "../../harness/clock.js";

let clock: TestClock;
let failed: FailedReads;
beforeEach(() => {
  clock = stepped();
  failed = new FailedReads(clock, 2);
});

/** How many milliseconds the read is paused for, found by stepping a second at a time. */
function pauseOf(key: string): number {
  let passed = 0;
  for (; failed.isPaused(key); passed += 1_000) clock.pass(1_000);
  return passed;
}

describe("a read that failed", () => {
  it("is paused for twice as long after every failure in a row, and for five minutes at most", () => {
    const pauses = Array.from({ length: 10 }, () => {
      failed.add("a", new Error("away"));
      return pauseOf("a");
    });
    expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]);
  });

  it("gives its last error, during the pause and after it", () => {
    failed.add("a", "first");
    failed.add("a", "second");
    expect(failed.errorOf("a")).toBe("second");
    pauseOf("a");
    expect(failed.errorOf("a")).toBe("second");
  });

  it("begins anew once it has succeeded", () => {
    for (let i = 0; i < 4; i++) failed.add("a", "away");
    failed.delete("a");
    expect([failed.isPaused("a"), failed.errorOf("a")]).toEqual([false, undefined]);
    failed.add("a", "away");
    expect(pauseOf("a")).toBe(2_000);
  });

  it("waits by monotonic time: a wall clock that is set changes nothing", () => {
    failed.add("a", "away");
    clock.stepWall(3_600_000);
    expect(failed.isPaused("a")).toBe(true);
  });
});

it("forgets the least recent beyond its bound, which is tried at once", () => {
  for (const key of ["a", "b", "c"]) failed.add(key, "away");
  expect(["a", "b", "c"].map((key) => failed.isPaused(key))).toEqual([false, true, true]);
});

it("does not pause what never failed", () => {
  failed.add("a", "away");
  expect([failed.isPaused("b"), failed.errorOf("b")]).toEqual([false, undefined]);
});
