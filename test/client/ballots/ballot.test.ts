import { expect, it } from "vitest";
import { checkReason, supportNumber } from "../../../src/client/ballots/ballot.js";
import type { Support } from "../../../src/records/index.js";

it("numbers supports as the governor counts them", () => {
  expect((["against", "for", "abstain"] as const).map(supportNumber)).toEqual([0, 1, 2]);
});

it.each(["", "For", "yes"])("refuses the support %j", (support) => {
  expect(() => supportNumber(support as Support)).toThrow(expect.objectContaining({ code: "invalid-input" }));
});

it("bounds a reason by its bytes, not by its characters", () => {
  expect(() => checkReason(undefined)).not.toThrow();
  expect(() => checkReason("a".repeat(1_024))).not.toThrow();
  expect(() => checkReason("é".repeat(512))).not.toThrow();
  const refusal = expect.objectContaining({ code: "invalid-input" });
  expect(() => checkReason("a".repeat(1_025))).toThrow(refusal);
  expect(() => checkReason("é".repeat(513))).toThrow(refusal);
});
