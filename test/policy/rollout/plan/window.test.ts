import { describe, expect, it } from "vitest";
import { isItsTurn } from "../../../../src/policy/rollout/index.js";
import { turnBackSeconds, waveSeconds } from "../../../../src/policy/rollout/plan/window.js";
import { planOf, timing } from "../fixtures.js";

const plan = planOf(10);
const order = plan.waves.flatMap(({ replicas }) => replicas.map(({ replica }) => replica));
const TURN = 5 + 10 + 2 * 2 + 2 * 10;
const whose = (now: number, others: readonly string[] = []) =>
  [...order, ...others].filter((replica) => isItsTurn(plan, replica, 5_000, { now, clock: now, others }));

it("counts the parts of a wave and of turning back", () => {
  expect(waveSeconds({ soakSeconds: 7 }, timing)).toBe(5 + 10 + 4 + 7 + 10);
  // Ten replicas, four at once, after one turn for what was under way.
  expect(turnBackSeconds(10, 4, timing)).toBe(4 * TURN + 10);
});

describe("isItsTurn", () => {
  it("gives turns to as many as may be down, in the plan's order, after one for what was under way", () => {
    expect(whose(5_000)).toEqual([]);
    expect(whose(5_000 + TURN)).toEqual(order.slice(0, 4));
    expect(whose(5_000 + 2 * TURN)).toEqual(order.slice(4, 8));
    expect(whose(5_000 + 3 * TURN)).toEqual(order.slice(8));
  });

  it("begins again, for those who were away", () => {
    expect(whose(5_000 + 4 * TURN)).toEqual(order.slice(0, 4));
  });

  it("ends soon after it began, so that two turns never overlap", () => {
    expect(whose(5_000 + TURN + 9)).toEqual(order.slice(0, 4));
    expect(whose(5_000 + TURN + 10)).toEqual([]);
  });

  it("is not for a host whose view is old", () => {
    const [first = ""] = order;
    const now = 5_000 + TURN;
    expect(isItsTurn(plan, first, 5_000, { now, clock: now + 10 })).toBe(true);
    expect(isItsTurn(plan, first, 5_000, { now, clock: now + 11 })).toBe(false);
  });

  it("comes for replicas that the plan does not name, one after another", () => {
    expect(whose(5_000 + 4 * TURN, ["web/x", "web/y"])).toEqual(["web/x"]);
    expect(whose(5_000 + 5 * TURN, ["web/x", "web/y"])).toEqual(["web/y"]);
    expect(isItsTurn(plan, "web/z", 5_000, { now: 5_000 + TURN, clock: 5_000 + TURN })).toBe(false);
  });
});
