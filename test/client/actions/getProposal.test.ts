import { describe, expect, it } from "vitest";
import { UnknownProposalError } from "../../../src/client/index.js";
import { useGuardedDao } from "../../harness/client/daos.js";
import { failureOf } from "../../harness/dao.js";

const dao = useGuardedDao();

describe("getProposal", () => {
  it("fails with UnknownProposalError for an id that was never opened", async () => {
    expect(await failureOf(dao.client().getProposal({ proposalId: "42" }))).toBeInstanceOf(UnknownProposalError);
    expect(await failureOf(dao.client().queueProposal({ proposalId: "42" }))).toBeInstanceOf(UnknownProposalError);
  });
});
