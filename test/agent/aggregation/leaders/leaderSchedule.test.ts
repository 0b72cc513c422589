import fc from "fast-check";
import { expect, it } from "vitest";
import { LeaderSchedule, leaderOrder, leaderRank } from "../../../../src/agent/aggregation/leaders/leaderSchedule.js";
import type { Address } from "../../../../src/records/index.js";
import { frozen, TestClock } from "../../../harness/clock.js";

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

const committee = [node(1), node(2), node(3)];
const duty = { key: "settle 7", task: "settle 7", nodes: () => committee };
const hour = 3_600_000;

it("lets the leader act at once, and each further node a step later, whatever the wall clock says", () => {
  const clock = new TestClock(frozen(hour));
  const schedule = new LeaderSchedule(clock);
  const order = leaderOrder(duty.task, committee);
  expect([...schedule.due(duty)]).toEqual(order.slice(0, 1));
  for (const step of [-hour, 2 * hour]) {
    clock.stepWall(step);
    expect([...schedule.due(duty)]).toEqual(order.slice(0, 1));
  }
  clock.pass(1_500);
  schedule.update();
  expect([...schedule.due(duty)]).toEqual(order.slice(0, 2));
  schedule.end(duty.key);
  expect([...schedule.due(duty)]).toEqual(order.slice(0, 1));
});

it("lets few nodes act after a long pause, and waits for a block if pending transactions are invisible", () => {
  const many = Array.from({ length: 10 }, (_, n) => node(n + 1));
  const clock = new TestClock(frozen());
  const [schedule, blind] = [new LeaderSchedule(clock), new LeaderSchedule(clock, "latest")];
  const wide = { ...duty, nodes: () => many };
  const due = () => [schedule.due(wide).size, blind.due(wide).size];
  const sizes = () => {
    for (const each of [schedule, blind]) each.update();
    return due();
  };
  expect(sizes()).toEqual([1, 1]);
  clock.pass(19_999);
  expect(sizes()).toEqual([3, 1]);
  // Messages that arrive between two cycles bring nobody else in.
  expect([due(), due()]).toEqual([
    [3, 1],
    [3, 1],
  ]);
  clock.pass(1);
  expect(sizes()).toEqual([5, 2]);
  schedule.endAll("settle ");
  expect(schedule.due(wide).size).toBe(1);
});

it("gives a node the open tasks of its turn, forgets those that are gone, and follows a committee that changes", () => {
  const clock = new TestClock(frozen());
  const second = leaderOrder("open", committee)[1] as Address;
  const schedule = new LeaderSchedule(clock);
  const due = (nodes = committee, tasks = ["open"], self = second) => [...schedule.dueTasks(tasks, nodes, self)];
  expect(due()).toEqual([]);
  clock.pass(1_500);
  expect(due()).toEqual(["open"]);
  expect(due(committee, [])).toEqual([]);
  expect(due()).toEqual([]);
  const [first] = leaderOrder("open", committee);
  expect(due(committee.filter((each) => each !== first))).toEqual(["open"]);
  expect(due(committee, ["open"], node(9))).toEqual(["open"]);
});
