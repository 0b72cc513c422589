import { expect, it } from "vitest";
import { partOf, type Statement, saysTheSame, sideOf } from "../../../src/agent/attestations/statement.js";

type Said = Pick<Statement, "report" | "outcome">;
const [one, two] = [`0x${"01".repeat(32)}`, `0x${"02".repeat(32)}`] as const;
const all: readonly Said[] = [
  { report: "ready", outcome: null },
  { report: "done", outcome: one },
  { report: "done", outcome: two },
  { report: "failed", outcome: one },
  { report: "failed", outcome: two },
];

it("is of the part in which a node says that it is ready, or of the part in which it says how it ended", () => {
  expect(all.map(partOf)).toEqual(["ready", "end", "end", "end", "end"]);
});

it("says the same as another of the same report and outcome alone, and is on one side with that one alone", () => {
  for (const [first, a] of all.entries()) {
    for (const [second, b] of all.entries()) {
      expect(saysTheSame(a, { ...b })).toBe(first === second);
      expect(sideOf(a) === sideOf({ ...b })).toBe(first === second);
    }
  }
});
