import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { DirectiveReports, DirectiveStatuses } from "../../../src/client/directives/directive.js";

const source = readFileSync("contracts/directives/IDirectiveRegistry.sol", "utf8");

/** The names of an enum of the contract, in its order. */
function enumOf(name: string): string[] {
  const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(source)?.[1] ?? "";
  return body.split(",").map((each) => each.trim());
}

it("names what a directive stands at in the order of the contract", () => {
  expect(DirectiveStatuses).toEqual(enumOf("Status"));
});

it("names what nodes say of a directive in the order of the contract", () => {
  expect(DirectiveReports).toEqual(enumOf("Report").map((name) => name.toLowerCase()));
});
