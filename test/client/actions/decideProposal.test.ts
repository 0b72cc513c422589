import { getBytes, Signature } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Support } from "../../../src/client/index.js";
import { hashBallot } from "../../../src/ports/chain/index.js";
import { type BlsLibrary, loadBls } from "../../../src/ports/keys/index.js";
import { createTestDao, restartOrder, type TestDao } from "../../harness/dao.js";

let dao: TestDao;
let bls: BlsLibrary;

beforeAll(async () => {
  dao = await createTestDao();
  bls = await loadBls();
});
afterAll(() => dao.close());

/** As an agent signs it: by the node's BLS key, or by its operator. */
async function ballotOf(index: number, proposalId: string, support: Support, by: "bls" | "operator" = "bls") {
  const client = dao.client(index);
  const { chainId, addresses } = client.chain;
  if (by === "operator") {
    const { signature } = await client.signBallot({ proposalId, support });
    return { proposalId, index, support, signature: getBytes(Signature.from(signature).compactSerialized) };
  }
  const context = { chainId, governor: addresses.NodeGovernor };
  const sign = (number: number) =>
    bls.sign(
      dao.witan.blsKeys[index] ?? new Uint8Array(),
      getBytes(hashBallot(context, { proposalId, support: number })),
    );
  const signature = support === "abstain" ? bls.aggregate([sign(1), sign(0)]) : sign(support === "for" ? 1 : 0);
  return { proposalId, index, support, signature };
}

describe("a proposal that is decided at its opening", () => {
  it("is opened, voted on and issued by one transaction, its payload stored before", async () => {
    const client = dao.client(2);
    const order = { ...restartOrder, replica: "fast", instance: "fast/1" } as typeof restartOrder;
    const proposal = client.buildProposal({ order });
    const { proposalId, directiveId } = proposal;
    const ballots = await Promise.all([0, 1, 2, 3].map((index) => ballotOf(index, proposalId, "for")));
    const { logs } = await client.decideProposal({ proposal, ballots });
    expect(logs.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["ProposalCreated", "BallotsCounted", "DirectiveIssued"]),
    );
    expect(await client.getProposal({ proposalId, withPayload: true })).toMatchObject({
      state: "Executed",
      votes: { for: 4 },
      payload: { order },
    });
    expect(await client.getDirective({ directiveId })).toMatchObject({ status: "Issued" });
  });

  it("is nothing to too few ballots, to operators' signatures, or to tracks whose votes take their time", async () => {
    const client = dao.client(2);
    const order = { ...restartOrder, replica: "slow", instance: "slow/1" } as typeof restartOrder;
    const proposal = client.buildProposal({ order });
    const ballots = (by: "bls" | "operator", count: number, id = proposal.proposalId) =>
      Promise.all(Array.from({ length: count }, (_, index) => ballotOf(index, id, "for", by)));
    await expect(client.decideProposal({ proposal, ballots: await ballots("bls", 3) })).rejects.toMatchObject({
      errorName: "GovernorUnexpectedProposalState",
    });
    await expect(client.decideProposal({ proposal, ballots: await ballots("operator", 4) })).rejects.toThrow(
      "by BLS keys",
    );
    const scale = client.buildProposal({ order: { kind: "Scale", workload: "web", replicas: 6 } });
    await expect(
      client.decideProposal({ proposal: scale, ballots: await ballots("bls", 4, scale.proposalId) }),
    ).rejects.toMatchObject({ errorName: "GovernorNoFastLane" });
  });
});
