import fc from "fast-check";
import { expect, it } from "vitest";
import { leaderOrder, leaderRank } from "../../../src/agent/aggregation/leaderOrder.js";
import { Turns } from "../../../src/agent/aggregation/turns.js";
import type { Address } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";

const node = (n: number): Address => `0x${n.toString(16).padStart(40, "0")}`;
const nodes = fc.uniqueArray(fc.integer({ min: 1, max: 1_000_000 }).map(node), { minLength: 1, maxLength: 30 });

it("gives every node one place, whatever order the committee is listed in", () => {
  fc.assert(
    fc.property(fc.string(), nodes, (task, committee) => {
      const ranks = committee.map((each) => leaderRank(task, committee, each)).sort((a, b) => a - b);
      expect(ranks).toEqual(committee.map((_, index) => index));
      expect(leaderOrder(task, [...committee].reverse())).toEqual(leaderOrder(task, committee));
    }),
  );
});

it("moves only the absent node's own tasks when a node leaves", () => {
  fc.assert(
    fc.property(fc.string(), nodes, (task, committee) => {
      const [gone, ...rest] = leaderOrder(task, committee);
      expect(leaderOrder(task, rest as Address[])).toEqual(rest);
      expect(rest).not.toContain(gone);
    }),
  );
});

it("comes to a node's turn one step later for each place in line, and forgets tasks that are gone", () => {
  let now = 0;
  const committee = [node(1), node(2)];
  const second = leaderOrder("open", committee)[1] as Address;
  const turns = new Turns({ ...systemClock, now: () => now, monotonic: () => now }, second);
  expect(turns.due(["open"], committee).size).toBe(0);
  now = 1_500;
  expect([...turns.due(["open"], committee)]).toEqual(["open"]);
  expect(turns.due([], committee).size).toBe(0);
  expect(turns.due(["open"], committee).size).toBe(0);
});
