import { expect, it } from "vitest";
import { turnoutBar } from "../../../../src/surfaces/cli/output/turnoutBar.js";

it("shows For, Against, Abstain and missing ballots in 40 columns", () => {
  expect(turnoutBar({ for: 2, against: 1, abstain: 1 }, 8)).toBe(
    `[${"█".repeat(10)}${"▒".repeat(5)}${"·".repeat(5)}${" ".repeat(20)}] 2 for, 1 against, 1 abstain, of 8 (50 %)`,
  );
});

it("stays 40 columns wide where shares round up, and for an empty committee", () => {
  expect(turnoutBar({ for: 3, against: 3, abstain: 3 }, 9)).toMatch(/^\[.{40}\] /);
  expect(turnoutBar({ for: 0, against: 0, abstain: 0 }, 0)).toMatch(/^\[ {40}\] .*of 0 \(0 %\)$/);
});
