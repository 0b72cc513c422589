import { expect, it } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { LatestView } from "../../../src/agent/aggregation/latestView.js";
import type { NodeSummary } from "../../../src/client/index.js";
import { stepped } from "../../harness/clock.js";

const hour = 3_600_000;
const node: NodeSummary = {
  index: 0,
  operator: `0x${"a0".repeat(20)}`,
  formerOperators: [],
  agent: `0x${"a0".repeat(20)}`,
  peerId: "",
  key: "0x",
  admittedAt: 1,
  removedAt: null,
  predecessor: null,
  active: true,
};

it("knows of no member before the chain was read for the first time", () => {
  const { committees } = new LatestView(stepped());
  expect([committees.members, committees.newest, committees.member(0)]).toEqual([[], 0, undefined]);
});

it("has the committees and the time of the newest snapshot, also where a reorganisation took blocks back", () => {
  const latest = new LatestView(stepped());
  const [before, after] = [new Committees([node]), new Committees([{ ...node, removedAt: 2 }])];
  latest.update({ committees: before, chainTime: 1_000 });
  expect([latest.committees, latest.chainTime()]).toEqual([before, 1_000]);
  latest.update({ committees: after, chainTime: 1_012 });
  expect(latest.committees.member(0)).toBeUndefined();
  latest.update({ committees: before, chainTime: 990 });
  expect([latest.committees.member(0), latest.chainTime()]).toEqual([node, 990]);
});

it("lets the chain's time pass between two snapshots, whatever happens to the wall clock", () => {
  const clock = stepped();
  const latest = new LatestView(clock);
  latest.update({ committees: new Committees([node]), chainTime: 1_000 });
  for (const step of [hour, -3 * hour]) clock.stepWall(step);
  expect(latest.chainTime()).toBe(1_000);
  clock.pass(2_500);
  expect(latest.chainTime()).toBe(1_002.5);
  // Its time counts from the snapshot on, and not from the first one.
  latest.update({ committees: new Committees([node]), chainTime: 1_001 });
  expect(latest.chainTime()).toBe(1_001);
});
