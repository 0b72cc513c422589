import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AttestInput, whenToAttest } from "../../src/policy/index.js";

function attest(change: Partial<AttestInput>) {
  return whenToAttest({
    report: "done",
    needed: 3,
    counted: 0,
    pending: 1,
    own: true,
    ending: true,
    secondsLeft: 3_600,
    marginSeconds: 600,
    waitedMs: 0,
    waitForMoreMs: 30_000,
    ...change,
  });
}

const situation: fc.Arbitrary<AttestInput> = fc.record({
  report: fc.constantFrom("ready", "done", "failed"),
  needed: fc.integer({ min: 1, max: 7 }),
  counted: fc.nat({ max: 12 }),
  pending: fc.nat({ max: 12 }),
  own: fc.boolean(),
  ending: fc.boolean(),
  secondsLeft: fc.integer({ min: 0, max: 1_200 }),
  marginSeconds: fc.constant(600),
  waitedMs: fc.integer({ min: 0, max: 60_000 }),
  waitForMoreMs: fc.constant(30_000),
});

describe("reports that wait", () => {
  it.each([1, 2, 3, 251])("are settled at once when they are as many as are needed, %i, and not before", (needed) => {
    for (const report of ["done", "failed"] as const) {
      const size = { report, needed };
      expect(attest({ ...size, pending: needed })).toBe("enacts");
      expect(attest({ ...size, pending: 1, counted: needed - 1 })).toBe("enacts");
      // Also where this node says something else: more than half do.
      expect(attest({ ...size, pending: needed, own: false })).toBe("enacts");
      if (needed > 1) expect(attest({ ...size, pending: needed - 1 })).toBeUndefined();
      if (needed > 2) expect(attest({ ...size, pending: 1, counted: needed - 2 })).toBeUndefined();
    }
  });

  it("wait for others as long as they enact nothing", () => {
    expect(attest({ pending: 2, waitedMs: 29_999 })).toBeUndefined();
    expect(attest({ pending: 2, waitedMs: 30_000 })).toBe("waited");
  });

  it("are settled as the deadline nears, whatever they do", () => {
    expect(attest({ secondsLeft: 601 })).toBeUndefined();
    expect(attest({ secondsLeft: 600 })).toBe("deadline");
  });

  it("are nobody's business once the directive is enacted", () => {
    expect(attest({ counted: 3, pending: 1, secondsLeft: 0, waitedMs: 1e9 })).toBeUndefined();
  });

  it("of readiness are settled when they have waited, until somebody has ended its part", () => {
    const ready = { report: "ready", pending: 5, ending: false } as const;
    expect(attest(ready)).toBeUndefined();
    expect(attest({ ...ready, secondsLeft: 0 })).toBeUndefined();
    expect(attest({ ...ready, waitedMs: 30_000 })).toBe("waited");
    expect(attest({ ...ready, waitedMs: 30_000, ending: true })).toBeUndefined();
  });

  it("are paid for by nodes that say the same, unless they enact the directive", () => {
    fc.assert(
      fc.property(situation, (input) => {
        const reason = whenToAttest({ ...input, own: false });
        expect([undefined, "enacts"]).toContain(reason);
        if (reason !== "enacts") return;
        expect(input.report).not.toBe("ready");
        expect(input.counted + input.pending).toBeGreaterThanOrEqual(input.needed);
        expect(input.counted).toBeLessThan(input.needed);
      }),
    );
  });

  it("cost nothing where there are none", () => {
    fc.assert(
      fc.property(situation, (input) => {
        expect(whenToAttest({ ...input, pending: 0 })).toBeUndefined();
      }),
    );
  });

  it("are settled in the end by whoever says the same, unless the directive is enacted or they are only ready", () => {
    fc.assert(
      fc.property(situation, (input) => {
        fc.pre(input.pending > 0 && input.report !== "ready" && input.counted < input.needed);
        expect(whenToAttest({ ...input, own: true, waitedMs: input.waitForMoreMs })).toBeDefined();
      }),
    );
  });
});
