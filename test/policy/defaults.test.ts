import { expect, it } from "vitest";
import { rolloutWindow, standardWindow, windowDeviation } from "../../src/policy/index.js";

it("gives a rollout twice the time that it needs, in whole minutes, and never less than any other order", () => {
  expect(rolloutWindow(1)).toBe(standardWindow("Deploy"));
  expect(rolloutWindow(1_000)).toBe(2_040);
  expect(rolloutWindow(100 * 86_400)).toBe(30 * 86_400);
});

it("lets rollouts by stages have windows of their own, up to a month, and nothing else", () => {
  expect(windowDeviation("Deploy", 600, false)).toBeUndefined();
  expect(windowDeviation("Deploy", 601, false)).toBe("it may be carried out for 601 s, not for 600 s");
  expect(windowDeviation("Deploy", 60, true)).toBeUndefined();
  expect(windowDeviation("Deploy", 30 * 86_400, true)).toBeUndefined();
  expect(windowDeviation("Deploy", 30 * 86_400 + 1, true)).toContain("2592000 s at most");
});
