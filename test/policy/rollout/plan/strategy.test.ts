import { describe, expect, it } from "vitest";
import {
  defaultFailureLimit,
  strategyFault,
  turnBackStrategy,
  waveShapes,
} from "../../../../src/policy/rollout/plan/strategy.js";
import type { Strategy } from "../../../../src/records/index.js";

const rolling = (maxUnavailable: number, maxSurge: number): Strategy => ({ kind: "rolling", maxUnavailable, maxSurge });
const canary = (shares: readonly number[], maxUnavailable = 3, maxSurge = 1): Strategy => ({
  kind: "canary",
  shares,
  maxUnavailable,
  maxSurge,
  soakSeconds: 60,
});
const sizes = (strategy: Strategy, replicas: number, limit = 0) =>
  waveShapes(strategy, replicas, limit).map(({ size, stage }) => [stage, size]);

describe("waveShapes", () => {
  it("changes at once what may be down and what may run twice", () => {
    const shapes = waveShapes(rolling(2, 1), 7, 0);
    expect(shapes.map(({ size, surge }) => [size, surge])).toEqual([
      [3, 1],
      [3, 1],
      [1, 1],
    ]);
  });

  it("leaves room for what may be unresolved", () => {
    expect(sizes(rolling(3, 0), 6, 1)).toEqual([
      [0, 2],
      [0, 2],
      [0, 2],
    ]);
  });

  it("takes a canary's shares in stages, waves within them, and watches the end of each stage", () => {
    expect(sizes(canary([10, 50, 100]), 20)).toEqual([
      [0, 2],
      [1, 4],
      [1, 4],
      [2, 4],
      [2, 4],
      [2, 2],
    ]);
    expect(waveShapes(canary([10, 50, 100]), 20, 0).map(({ soakSeconds }) => soakSeconds)).toEqual([
      60, 0, 60, 0, 0, 60,
    ]);
  });

  it("skips stages that take nothing more", () => {
    expect(sizes(canary([1, 2, 100]), 3)).toEqual([
      [0, 1],
      [2, 2],
    ]);
  });

  it("starts all of green beside blue, then switches all, and watches that", () => {
    expect(waveShapes({ kind: "blue-green", soakSeconds: 30 }, 4, 0)).toEqual([
      { stage: 0, action: "take", size: 4, surge: 4, soakSeconds: 0 },
      { stage: 1, action: "switch", size: 4, surge: 4, soakSeconds: 30 },
    ]);
  });
});

describe("defaultFailureLimit", () => {
  it.each([
    ["one host, if three go first", canary([50, 100], 4, 0), 6, 1],
    ["none, if two go first", canary([30, 100], 4, 0), 6, 0],
    ["none, if one may be down", rolling(1, 0), 9, 0],
    ["one of blue-green of three", { kind: "blue-green", soakSeconds: 1 }, 3, 1],
    ["none of blue-green of two", { kind: "blue-green", soakSeconds: 1 }, 2, 0],
  ] as const)("lets %s fail alone", (_, strategy, replicas, limit) => {
    expect(defaultFailureLimit(strategy, replicas)).toBe(limit);
    expect(strategyFault(strategy, replicas, limit)).toBeUndefined();
  });
});

describe("strategyFault", () => {
  it.each([
    ["no replicas", rolling(1, 0), 0, 0, /no replicas/],
    ["nothing that may change", rolling(0, 0), 3, 0, /leave no replica/],
    ["all that may change kept for failures", rolling(1, 0), 3, 1, /leave no replica/],
    ["shares that descend", canary([50, 20, 100]), 3, 0, /ascend/],
    ["shares that end early", canary([50]), 3, 0, /ascend/],
    ["a first wave that failures could make up", canary([10, 100], 5, 0), 10, 1, /first wave of 3 replicas, not of 1/],
    ["half a failure", rolling(3, 0), 6, 0.5, /whole number/],
  ] as const)("refuses %s", (_, strategy, replicas, limit, fault) => {
    expect(strategyFault(strategy, replicas, limit)).toMatch(fault);
  });
});

it("goes back to an earlier release without the stages of a canary", () => {
  expect(turnBackStrategy(canary([10, 100]))).toEqual(rolling(3, 1));
  expect(turnBackStrategy(rolling(2, 0))).toEqual(rolling(2, 0));
  expect(turnBackStrategy({ kind: "blue-green", soakSeconds: 5 })).toEqual({ kind: "blue-green", soakSeconds: 5 });
});
