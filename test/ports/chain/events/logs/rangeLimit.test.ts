import { describe, expect, it } from "vitest";
import { RangeLimit } from "../../../../../src/ports/chain/events/logs/rangeLimit.js";

/** Sends requests for as many blocks as the limit allows, to an endpoint that allows `most`; returns how many were refused. */
function request(limit: RangeLimit, times: number, most: number): number {
  let refused = 0;
  for (let i = 0; i < times; i++) {
    if (limit.blocks <= most) limit.accepted(limit.blocks);
    else {
      refused += 1;
      limit.refused(limit.blocks);
    }
  }
  return refused;
}

describe("the limit of a range", () => {
  it("falls to what is allowed, and is tried beyond it less and less often", () => {
    const limit = new RangeLimit(10_000);
    expect(request(limit, 4, 2_000)).toBe(3);
    expect(limit.blocks).toBe(1_250);
    expect(request(limit, 10_000, 2_000)).toBeLessThan(16);
  });

  it("grows again to the most, once more is allowed", () => {
    const limit = new RangeLimit(10_000);
    request(limit, 20, 1);
    expect(limit.blocks).toBeLessThan(3);
    request(limit, 600, 10_000);
    expect(limit.blocks).toBe(10_000);
  });

  it("says nothing by small ranges, such as the rest of a chain", () => {
    const limit = new RangeLimit(100);
    limit.refused(100);
    for (let i = 0; i < 100; i++) limit.accepted(10);
    expect(limit.blocks).toBe(50);
    limit.refused(1);
    expect(limit.blocks).toBe(1);
  });
});
