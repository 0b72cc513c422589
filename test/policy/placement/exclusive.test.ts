import { describe, expect, it } from "vitest";
import { ExclusiveDefaults, mayRun, mayStart, type ReplicaSeat } from "../../../src/policy/placement/index.js";

const { leaseSeconds, marginSeconds } = ExclusiveDefaults;
const seat: ReplicaSeat = { replica: "db/0", workload: "db", host: "a", since: 1_000 };
const at = (blockTime: number, now: number, changes: Partial<ReplicaSeat> = {}) => ({
  host: "a",
  seat: { ...seat, ...changes },
  blockTime,
  now,
});

describe("mayRun", () => {
  it("lets a replica run as long as its block is no older than the lease", () => {
    expect(mayRun(at(1_000, 1_000 + leaseSeconds), ExclusiveDefaults)).toBe(true);
    expect(mayRun(at(1_000, 1_001 + leaseSeconds), ExclusiveDefaults)).toBe(false);
  });

  it("stops it where the seat is another's or nobody's", () => {
    expect(mayRun(at(1_000, 1_000, { host: "b" }), ExclusiveDefaults)).toBe(false);
    expect(mayRun({ ...at(1_000, 1_000), seat: undefined }, ExclusiveDefaults)).toBe(false);
  });
});

describe("mayStart", () => {
  it("starts at once what nobody had before", () => {
    expect(mayStart(at(1_000, 1_000), ExclusiveDefaults)).toBe(true);
  });

  it("waits, by block time, until the host before has stopped: its lease and the margin", () => {
    const free = 900 + leaseSeconds + marginSeconds;
    expect(mayStart(at(free - 1, free - 1, { leftAt: 900 }), ExclusiveDefaults)).toBe(false);
    expect(mayStart(at(free, free, { leftAt: 900 }), ExclusiveDefaults)).toBe(true);
    // Its own clock is no reason to begin early.
    expect(mayStart(at(free - 1, free + 10, { leftAt: 900 }), ExclusiveDefaults)).toBe(false);
  });

  it("starts nothing by a block that is too old to run by", () => {
    expect(mayStart(at(1_000, 1_001 + leaseSeconds), ExclusiveDefaults)).toBe(false);
  });
});
