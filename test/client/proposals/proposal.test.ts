import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { ProposalStates } from "../../../src/client/proposals/proposal.js";

it("names states in the order of the Governor's own", () => {
  const path = createRequire(import.meta.url).resolve("@openzeppelin/contracts/governance/IGovernor.sol");
  const body = /enum ProposalState \{([^}]*)\}/.exec(readFileSync(path, "utf8"))?.[1] ?? "";
  expect(ProposalStates).toEqual(body.split(",").map((name) => name.trim()));
});
