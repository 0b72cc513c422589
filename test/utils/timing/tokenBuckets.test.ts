import { expect, it } from "vitest";
import { TokenBuckets } from "../../../src/utils/timing/tokenBuckets.js";
import { frozen, TestClock } from "../../harness/clock.js";

it("gives each key its burst, and then so many a second, by the monotonic clock", () => {
  const clock = new TestClock(frozen());
  const buckets = new TokenBuckets({ clock, burst: 2, perSecond: 1, maxKeys: 8 });
  const take = (key: string, times: number) => Array.from({ length: times }, () => buckets.take(key));
  expect([take("a", 3), take("b", 1)]).toEqual([[true, true, false], [true]]);
  clock.pass(1_000);
  clock.stepWall(-3_600_000);
  expect(take("a", 2)).toEqual([true, false]);
  clock.pass(3_600_000);
  expect(take("a", 3)).toEqual([true, true, false]);
});
