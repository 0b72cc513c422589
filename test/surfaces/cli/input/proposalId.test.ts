import { expect, it } from "vitest";
import { parseProposalId } from "../../../../src/surfaces/cli/input/proposalId.js";

it("takes a decimal number of up to 78 digits, and nothing else", () => {
  const longest = "9".repeat(78);
  expect(parseProposalId(longest)).toBe(longest);
  for (const text of ["", "0x12", "-1", "1.5", "twelve", `${longest}9`]) {
    expect(() => parseProposalId(text)).toThrow("decimal number");
  }
});
