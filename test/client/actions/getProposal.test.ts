import { describe, expect, it } from "vitest";
import { UnknownProposalError } from "../../../src/client/index.js";
import type { Address } from "../../../src/records/index.js";
import { failureOf, useTestDao } from "../../harness/dao.js";
import { operatorKey } from "../../harness/deploy.js";

const dao = useTestDao({ nodes: 5, guardian: operatorKey(4).address as Address });

describe("getProposal", () => {
  it("fails with UnknownProposalError for an id that was never opened", async () => {
    expect(await failureOf(dao.client().getProposal({ proposalId: "42" }))).toBeInstanceOf(UnknownProposalError);
    expect(await failureOf(dao.client().queueProposal({ proposalId: "42" }))).toBeInstanceOf(UnknownProposalError);
  });
});
