import { expect, it } from "vitest";
import { TrafficCounters } from "../../../../src/engines/fleet/traffic/counters.js";

it("counts requests and errors for good, and latencies of the last one to two minutes", () => {
  let now = 0;
  const counters = new TrafficCounters({ monotonic: () => now });
  expect(counters.counts).toEqual({ requests: 0, errors: 0, p95Ms: null });
  for (let ms = 1; ms <= 100; ms++) counters.add({ failed: ms % 50 === 0, latencyMs: ms });
  expect(counters.counts).toEqual({ requests: 100, errors: 2, p95Ms: 95 });
  now += 60_000;
  counters.add({ failed: false, latencyMs: 1_000 });
  expect(counters.counts).toEqual({ requests: 101, errors: 2, p95Ms: 96 });
  now += 60_000;
  expect(counters.counts.p95Ms).toBeCloseTo(1_000, -2);
  now += 120_000;
  counters.add({ failed: false, latencyMs: undefined });
  expect(counters.counts).toEqual({ requests: 102, errors: 2, p95Ms: null });
});

it("adds replicas up, latencies too", () => {
  const [one, other] = [0, 0].map((at) => new TrafficCounters({ monotonic: () => at }));
  for (let n = 0; n < 90; n++) one?.add({ failed: false, latencyMs: 10 });
  for (let n = 0; n < 10; n++) other?.add({ failed: true, latencyMs: 50 });
  const both = [one, other].filter((each) => each !== undefined);
  expect(TrafficCounters.sum(both)).toEqual({ requests: 100, errors: 10, p95Ms: 50 });
});
