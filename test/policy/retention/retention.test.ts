import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isExpired, RetentionParameters, retainParameter, retentionRules } from "../../../src/policy/index.js";
import { retentionChange } from "../../../src/policy/retention/retention.js";
import { type ContentId, RecordKinds } from "../../../src/records/index.js";

const defaults = { min: 2, max: 3 };
const rulesOf = (parameters: Record<string, bigint> = {}) =>
  retentionRules(new Map(Object.entries(parameters)), defaults);
const contentId: ContentId = `0x${"aa".repeat(32)}`;
const DAY = 86_400;
const NOW = 1_900_000_000;

describe("the rules of keeping", () => {
  it("keep states for a month and all else for ever, as often as is configured, where nothing was voted", () => {
    const forEver = Number.POSITIVE_INFINITY;
    const retain = { State: 30 * DAY, Model: forEver, Incident: forEver, Outcome: forEver };
    expect(rulesOf()).toEqual({ retain, replicas: defaults });
  });

  it("keep everything for ever, and as often as is configured, where 0 was voted", () => {
    const rules = rulesOf(Object.fromEntries(RetentionParameters.map((name) => [name, 0n])));
    expect(rules.replicas).toEqual(defaults);
    for (const kind of RecordKinds) expect(rules.retain[kind]).toBe(Number.POSITIVE_INFINITY);
  });

  it("are named as the records and the replicas are", () => {
    expect(RetentionParameters).toEqual([
      "retain.State",
      "retain.Model",
      "retain.Incident",
      "retain.Outcome",
      "replicas.min",
      "replicas.max",
    ]);
  });

  it.each([
    ["the voted numbers", { "replicas.min": 3n, "replicas.max": 5n }, { min: 3, max: 5 }],
    ["no more than 16", { "replicas.max": 2n ** 256n - 1n }, { min: 2, max: 16 }],
    ["no least number above the greatest", { "replicas.min": 9n, "replicas.max": 4n }, { min: 4, max: 4 }],
    ["no default least number above the greatest", { "replicas.max": 1n }, { min: 1, max: 1 }],
    ["a least number that was voted with the configured greatest", { "replicas.min": 1n }, { min: 1, max: 3 }],
  ])("take %s", (_what, parameters, replicas) => {
    expect(rulesOf(parameters as unknown as Record<string, bigint>).replicas).toEqual(replicas);
  });

  it("keep by nobody else where that is configured", () => {
    expect(retentionRules(new Map(), { min: 2, max: 0 }).replicas).toEqual({ min: 0, max: 0 });
  });

  it("hold the least number to 1 and the greatest, and the greatest to 1 to 16, whatever is voted", () => {
    const value = fc.oneof(fc.bigInt({ min: 0n, max: 20n }), fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }));
    fc.assert(
      fc.property(value, value, fc.integer({ min: 1, max: 16 }), (least, greatest, configured) => {
        const voted = new Map([
          ["replicas.min", least],
          ["replicas.max", greatest],
        ]);
        const { min, max } = retentionRules(voted, { min: 2, max: configured }).replicas;
        expect(min).toBeGreaterThanOrEqual(1);
        expect(max).toBeGreaterThanOrEqual(min);
        expect(max).toBeLessThanOrEqual(16);
      }),
    );
  });
});

describe("a record", () => {
  const expired = (age: number, change: Partial<Parameters<typeof isExpired>[0]> = {}) =>
    isExpired({
      record: { kind: "State", contentId, anchoredAt: NOW - age },
      now: NOW,
      rules: rulesOf({ "retain.State": BigInt(DAY) }),
      exempt: new Set(),
      ...change,
    });

  it("expires once it is older than was voted for its kind, and not in that second", () => {
    expect([expired(DAY - 1), expired(DAY), expired(DAY + 1)]).toEqual([false, false, true]);
  });

  it("never expires by the rule of another kind, by a time too long to count, or while it is exempt", () => {
    const years = 100 * 365 * DAY;
    for (const kind of RecordKinds.filter((each) => each !== "State"))
      expect(expired(years, { record: { kind, contentId, anchoredAt: NOW - years } })).toBe(false);
    expect(expired(years, { rules: rulesOf({ "retain.State": 2n ** 256n - 1n }) })).toBe(false);
    expect(expired(years, { exempt: new Set([contentId]) })).toBe(false);
  });

  it("that the chain's time has not reached yet is kept", () => {
    expect(expired(-5 * DAY, { rules: rulesOf({ "retain.State": 1n }) })).toBe(false);
  });

  it("stays expired as time goes on, and is the sooner so the shorter the time", () => {
    const age = fc.integer({ min: 0, max: 10 * DAY });
    const retain = fc.integer({ min: 1, max: 10 * DAY });
    fc.assert(
      fc.property(age, age, retain, retain, (some, more, short, longer) => {
        const at = (its: number, seconds: number) =>
          expired(its, { rules: rulesOf({ [retainParameter("State")]: BigInt(seconds) }) });
        if (at(some, short)) expect(at(some + more, short)).toBe(true);
        if (at(some, short + longer)) expect(at(some, short)).toBe(true);
      }),
    );
  });
});

it("distinguishes votes that remove records from those that keep them, and from others", () => {
  expect(retentionChange("retain.State", 60n)).toBe("removes");
  expect(retentionChange("retain.State", 0n)).toBe("keeps");
  expect([0n, 16n, 17n].map((value) => retentionChange("replicas.max", value))).toEqual([
    "keeps",
    "keeps",
    "out-of-bounds",
  ]);
  expect(retentionChange("replicas.min", 17n)).toBe("out-of-bounds");
  expect(retentionChange("retain.Rumour", 60n)).toBeUndefined();
  expect(retentionChange("learning.rounds", 10n)).toBeUndefined();
});
