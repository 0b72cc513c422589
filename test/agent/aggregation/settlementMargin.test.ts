import { expect, it } from "vitest";
import { settlementMargin } from "../../../src/agent/aggregation/settlementMargin.js";

it("is a fifth of the time, and ten minutes at most", () => {
  expect(settlementMargin(1_000, 1_060)).toBe(12);
  expect(settlementMargin(0, 86_400)).toBe(600);
});
