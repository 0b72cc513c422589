import { getBytes, Signature } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NodeBallot, type Support, schemeOf } from "../../src/client/index.js";
import { hashBallot } from "../../src/ports/chain/index.js";
import { type BlsLibrary, loadBls } from "../../src/ports/keys/index.js";
import { createSetting, restart, type Setting } from "./setting.js";

let setting: Setting;
let bls: BlsLibrary;

beforeAll(async () => {
  setting = await createSetting();
  bls = await loadBls();
});
afterAll(() => setting.close());

/** As an agent signs it: by the node's BLS key, or by its operator. */
async function ballotOf(index: number, proposalId: string, support: Support, by: "bls" | "operator" = "bls") {
  const client = setting.client(index);
  const { chainId, addresses } = client.chain;
  if (by === "operator") {
    const { signature } = await client.signBallot({ proposalId, support });
    return { proposalId, index, support, signature: getBytes(Signature.from(signature).compactSerialized) };
  }
  const context = { chainId, governor: addresses.NodeGovernor };
  const sign = (number: number) =>
    bls.sign(
      setting.witan.blsKeys[index] ?? new Uint8Array(),
      getBytes(hashBallot(context, { proposalId, support: number })),
    );
  const signature = support === "abstain" ? bls.aggregate([sign(1), sign(0)]) : sign(support === "for" ? 1 : 0);
  return { proposalId, index, support, signature };
}

async function opened(replica: string): Promise<string> {
  const order = { ...restart, replica, instance: `${replica}/1` } as typeof restart;
  const { proposalId } = await setting.client(0).openProposal({ order });
  await setting.witan.increaseTime(1);
  return proposalId;
}

describe("ballots that one node brings for many", () => {
  it.each(["bls", "operator"] as const)("count together, signed by %s", async (by) => {
    const proposalId = await opened(`by-${by}`);
    const supports: Support[] = ["for", "against", "abstain", "for"];
    const ballots = await Promise.all(supports.map((support, i) => ballotOf(3 - i, proposalId, support, by)));
    expect(ballots.map(schemeOf)).toEqual([by, by, by, by]);
    const { logs } = await setting.client(4).castVotes({ proposalId, ballots });
    expect(logs.map(({ name }) => name)).toEqual(["BallotsCounted"]);
    const cast = await setting.client().listBallots({ proposalId });
    expect(cast.map(({ index, support }) => [index, support])).toEqual([
      [0, "for"],
      [1, "abstain"],
      [2, "against"],
      [3, "for"],
    ]);
    await expect(setting.client(4).castVotes({ proposalId, ballots })).rejects.toMatchObject({
      errorName: "GovernorBallotsOverlap",
    });
  });

  it("are refused before anything is sent where they do not belong together", async () => {
    const [one, other] = [await opened("one"), await opened("other")];
    const good = await ballotOf(0, one, "for");
    const cast = (...ballots: NodeBallot[]) => setting.client(4).castVotes({ proposalId: one, ballots });
    await expect(cast()).rejects.toThrow("there is at least one");
    await expect(cast(good, await ballotOf(1, one, "for", "operator"))).rejects.toThrow("signed in one way");
    await expect(cast(good, { ...good, index: 1, signature: new Uint8Array(95) })).rejects.toThrow("signed in one way");
    await expect(cast(good, await ballotOf(1, other, "for"))).rejects.toThrow("on one proposal");
    await expect(cast(good, await ballotOf(0, one, "against"))).rejects.toThrow("A node has one ballot.");
    const operators = await ballotOf(0, one, "for", "operator");
    const many = Array.from({ length: 2_001 }, (_, index) => ({ ...operators, index }));
    await expect(cast(...many)).rejects.toThrow("A transaction takes 2000 ballots, not 2001.");
  });

  it("are refused by the contracts where one of them is not what it says", async () => {
    const proposalId = await opened("lie");
    const ballots = [await ballotOf(0, proposalId, "for"), await ballotOf(1, proposalId, "for")];
    const lie = ballots.map((ballot) => ({ ...ballot, support: "against" as const }));
    await expect(setting.client(4).castVotes({ proposalId, ballots: lie })).rejects.toMatchObject({
      errorName: "NodeRegistryInvalidSignature",
    });
  });
});

describe("a proposal that is decided at its opening", () => {
  it("is opened, voted on and issued by one transaction, its payload stored before", async () => {
    const client = setting.client(2);
    const order = { ...restart, replica: "fast", instance: "fast/1" } as typeof restart;
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
    const client = setting.client(2);
    const order = { ...restart, replica: "slow", instance: "slow/1" } as typeof restart;
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
