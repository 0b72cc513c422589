import { id } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rendezvous } from "../../../../src/agent/aggregation/leaders/rendezvous.js";
import type { Address, ContentId } from "../../../../src/records/index.js";
import { operatorKey } from "../../../harness/deploy.js";

const members = Array.from({ length: 12 }, (_, i) => operatorKey(i).address as Address);
const record = (i: number) => id(`record ${i}`) as ContentId;
const records = Array.from({ length: 3_000 }, (_, i) => record(i));

describe("who keeps a record", () => {
  it("is the same wherever it is worked out, in whatever order and case the members come", () => {
    const shuffled = fc.shuffledSubarray(members, { minLength: members.length });
    const lower = members.map((operator) => operator.toLowerCase() as Address);
    fc.assert(
      fc.property(shuffled, fc.nat(records.length - 1), fc.integer({ min: 0, max: 13 }), (order, at, count) => {
        const keepers = new Rendezvous(members).first(record(at), count);
        expect(new Rendezvous(order).first(record(at), count)).toEqual(keepers);
        expect(new Rendezvous(lower).first(record(at), count)).toEqual(keepers.map((each) => each.toLowerCase()));
        expect(new Set(keepers).size).toBe(Math.min(count, members.length));
      }),
      { numRuns: 100 },
    );
  });

  it("is known of one node without ranking the others", () => {
    const mesh = new Rendezvous(members);
    const except = new Set([members[1]?.toLowerCase() ?? ""]);
    for (const key of records.slice(0, 200)) {
      for (const count of [0, 1, 3, 12]) {
        const first = new Set(mesh.first(key, count, except));
        const found = members.filter((each) => mesh.isAmongFirst(key, count, each.toLowerCase(), except));
        expect(new Set(found)).toEqual(first);
      }
    }
    expect(mesh.isAmongFirst(record(0), 12, "0x00")).toBe(false);
  });

  it("is nobody but the excepted where all others are, and never the excepted", () => {
    const [first, ...others] = members;
    const except = new Set(others.map((operator) => operator.toLowerCase()));
    expect(new Rendezvous(members).first(record(0), 3, except)).toEqual([first]);
    expect(new Rendezvous([]).first(record(0), 3)).toEqual([]);
  });

  it("is spread evenly", () => {
    const rendezvous = new Rendezvous(members);
    const shares = new Map<string, number>();
    for (const each of records) {
      for (const keeper of rendezvous.first(each, 3)) shares.set(keeper, (shares.get(keeper) ?? 0) + 1);
    }
    const fair = (records.length * 3) / members.length;
    expect(shares.size).toBe(members.length);
    // Five standard deviations of a fair draw.
    const spread = 5 * Math.sqrt(fair * (1 - 3 / members.length));
    for (const share of shares.values()) expect(Math.abs(share - fair)).toBeLessThan(spread);
  });

  it("changes for a member's own share alone when it goes, and for each record by one keeper", () => {
    const before = new Rendezvous(members);
    const [gone, ...left] = members;
    const after = new Rendezvous(left);
    for (const each of records.slice(0, 500)) {
      const [old, now] = [before.first(each, 3), after.first(each, 3)];
      expect(now.slice(0, 2)).toEqual(old.filter((keeper) => keeper !== gone).slice(0, 2));
      if (!old.includes(gone as Address)) expect(now).toEqual(old);
    }
  });
});
