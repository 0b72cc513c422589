import { expect, it } from "vitest";
import { sameHex } from "../../src/utils/sameHex.js";

it("compares digits, not their case", () => {
  expect(sameHex("0xAbCd", "0xabcd")).toBe(true);
  expect(sameHex("0xabcd", "0xabce")).toBe(false);
});
