import { id } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Address, Order } from "../../../src/records/index.js";
import { useGuardedDao } from "../../harness/client/daos.js";
import { restartOrder, type TestDao } from "../../harness/dao.js";
import { hash, newcomerOf, orders, proposalOf } from "../../harness/orders.js";

const dao = useGuardedDao();

describe("buildProposal", () => {
  it("gives the id that the governor gives", async () => {
    const { proposalId, calls, description } = dao.client().buildProposal(proposalOf(dao, restartOrder));
    const { governor, directives } = dao.client().chain.contracts;
    const theirs = await governor.hashProposal(
      calls.map((call) => call.target),
      calls.map((call) => call.value),
      calls.map((call) => call.data),
      id(description),
    );
    expect(proposalId).toBe(theirs.toString());
    const { directive, directiveId } = dao.client().buildProposal(proposalOf(dao, restartOrder));
    expect(directiveId).toBe(
      await directives.directiveId({ ...directive, kind: 3, evidence: [...directive.evidence] }),
    );
  });

  it("describes the proposal in words that follow from its content", () => {
    const { description } = dao.client().buildProposal({ order: restartOrder, evidence: [] });
    expect(description).toMatch(/^Restart replica\/web\/3\n\nwitan\/directive\/1 bafyrei\w+\nevidence: none$/);
  });

  it("builds the same proposal on every node that saw the same, in any order", () => {
    const anyEvidence = fc.uniqueArray(fc.string().map(hash), { maxLength: 16 });
    fc.assert(
      fc.property(anyEvidence, fc.constantFrom(...orders), (seen, order) => {
        const [a, b] = [0, 1].map((i) =>
          dao.client(i).buildProposal({ ...proposalOf(dao, order), evidence: i ? seen : [...seen].reverse() }),
        );
        expect(a?.proposalId).toBe(b?.proposalId);
        const other = dao.client().buildProposal({ ...proposalOf(dao, order), evidence: seen, attempt: 1 });
        expect(other.proposalId).not.toBe(a?.proposalId);
      }),
      { numRuns: 50 },
    );
  });

  it("refuses an order that lacks something, or a number out of bounds", () => {
    const build = (parameters: Parameters<TestDao["clients"][number]["buildProposal"]>[0]) => () =>
      dao.client().buildProposal(parameters);
    const invalid = expect.objectContaining({ code: "invalid-input" });
    const admit = orders.find(({ kind }) => kind === "Admit") ?? restartOrder;
    const change = orders.find(({ kind }) => kind === "ChangeOperator") ?? restartOrder;
    expect(build({ order: admit })).toThrow(invalid);
    expect(
      build({ order: admit, admissions: [{ ...newcomerOf(dao), operator: hash("x").slice(0, 42) as Address }] }),
    ).toThrow(invalid);
    expect(build({ order: change })).toThrow(invalid);
    expect(build({ order: restartOrder, window: 1.5 })).toThrow(invalid);
    expect(build({ order: restartOrder, delay: 2 ** 32 })).toThrow(invalid);
    expect(build({ order: restartOrder, evidence: Array.from({ length: 17 }, (_, i) => hash(`${i}`)) })).toThrow(
      invalid,
    );
    expect(build({ order: { ...restartOrder, replica: "" } as Order })).toThrow(
      expect.objectContaining({ code: "invalid-record" }),
    );
  });
});
