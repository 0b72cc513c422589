import { expect, it } from "vitest";
import { ChainClock } from "../../../src/agent/aggregation/chainClock.js";
import { frozen, TestClock } from "../../harness/clock.js";

it("extrapolates the chain's time by the time that passes, and not by a wall clock that is stepped", () => {
  const clock = new TestClock(frozen(1_000_000));
  const chain = new ChainClock(clock);
  chain.update(500);
  for (const step of [-3_600_000, 7_200_000]) {
    clock.stepWall(step);
    expect(chain.seconds()).toBe(500);
  }
  clock.pass(2_500);
  expect(chain.seconds()).toBe(502.5);
  chain.update(501);
  expect(chain.seconds()).toBe(501);
});
