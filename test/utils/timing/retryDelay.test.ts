import { expect, it } from "vitest";
import { retryDelay } from "../../../src/utils/timing/retryDelay.js";

it("doubles with each failure, up to its bound", () => {
  expect([1, 2, 3, 4, 5, 2_000].map((failures) => retryDelay(failures, 100, 1_000))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
});
