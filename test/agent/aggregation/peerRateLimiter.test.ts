import { expect, it } from "vitest";
import { MUTED_MS, PeerRateLimiter } from "../../../src/agent/aggregation/peerRateLimiter.js";
import { frozen, TestClock } from "../../harness/clock.js";

const second = 1_000;
const hour = 3_600_000;

function limiter() {
  const clock = new TestClock(frozen(2 * hour));
  return { clock, limits: new PeerRateLimiter(clock) };
}

it("lets 4,096 messages of one neighbour pass at once, and 512 more each second", () => {
  const { clock, limits } = limiter();
  const passed = () => Array.from({ length: 6_000 }, () => limits.allows("loud")).filter(Boolean).length;
  expect(passed()).toBe(4_096);
  expect(limits.allows("quiet")).toBe(true);
  clock.pass(second);
  expect(passed()).toBe(512);
  clock.pass(hour);
  expect(passed()).toBe(4_096);
});

it("remembers a bounded number of neighbours, those that were heard last", () => {
  const { limits } = limiter();
  const exhaust = (peer: string) => Array.from({ length: 4_096 }, () => limits.allows(peer));
  exhaust("first");
  exhaust("second");
  for (let n = 0; n < 1_023; n++) limits.allows(`neighbour ${n}`);
  expect([limits.allows("second"), limits.allows("first")]).toEqual([false, true]);
});

it("mutes a peer for a minute, and no longer or shorter when the wall clock is stepped by an hour", () => {
  for (const step of [-hour, hour]) {
    const { clock, limits } = limiter();
    const muted = Array.from({ length: 16 }, () => limits.strike("liar"));
    expect(muted.filter(Boolean)).toHaveLength(1);
    clock.stepWall(step);
    expect(limits.allows("liar")).toBe(false);
    clock.pass(MUTED_MS - 1);
    expect(limits.allows("liar")).toBe(false);
    clock.pass(1);
    expect(limits.allows("liar")).toBe(true);
  }
});
