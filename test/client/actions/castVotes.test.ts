import { getBytes, Signature } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NodeBallot, type Support, schemeOf } from "../../../src/client/index.js";
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

async function opened(replica: string): Promise<string> {
  const order = { ...restartOrder, replica, instance: `${replica}/1` } as typeof restartOrder;
  const { proposalId } = await dao.client(0).openProposal({ order });
  await dao.witan.increaseTime(1);
  return proposalId;
}

describe("ballots that one node brings for many", () => {
  it.each(["bls", "operator"] as const)("count together, signed by %s", async (by) => {
    const proposalId = await opened(`by-${by}`);
    const supports: Support[] = ["for", "against", "abstain", "for"];
    const ballots = await Promise.all(supports.map((support, i) => ballotOf(3 - i, proposalId, support, by)));
    expect(ballots.map(schemeOf)).toEqual([by, by, by, by]);
    const { logs } = await dao.client(4).castVotes({ proposalId, ballots });
    expect(logs.map(({ name }) => name)).toEqual(["BallotsCounted"]);
    const cast = await dao.client().listBallots({ proposalId });
    expect(cast.map(({ index, support }) => [index, support])).toEqual([
      [0, "for"],
      [1, "abstain"],
      [2, "against"],
      [3, "for"],
    ]);
    await expect(dao.client(4).castVotes({ proposalId, ballots })).rejects.toMatchObject({
      errorName: "GovernorBallotsOverlap",
    });
  });

  it("are refused before anything is sent where they do not belong together", async () => {
    const [one, other] = [await opened("one"), await opened("other")];
    const good = await ballotOf(0, one, "for");
    const cast = (...ballots: NodeBallot[]) => dao.client(4).castVotes({ proposalId: one, ballots });
    await expect(cast()).rejects.toThrow("there is at least one");
    await expect(cast(good, await ballotOf(1, one, "for", "operator"))).rejects.toThrow("signed in one way");
    await expect(cast(good, { ...good, index: 1, signature: new Uint8Array(95) })).rejects.toThrow("signed in one way");
    await expect(cast(good, await ballotOf(1, other, "for"))).rejects.toThrow("on one proposal");
    await expect(cast(good, await ballotOf(0, one, "against"))).rejects.toThrow("A node has one ballot.");
    const operators = await ballotOf(0, one, "for", "operator");
    const many = Array.from({ length: 2_001 }, (_, index) => ({ ...operators, index }));
    await expect(cast(...many)).rejects.toThrow("A transaction takes 2000 ballots, not 2001.");
  });

  it("are refused by the contracts if one signature is not of its ballot", async () => {
    const proposalId = await opened("lie");
    const ballots = [await ballotOf(0, proposalId, "for"), await ballotOf(1, proposalId, "for")];
    const lie = ballots.map((ballot) => ({ ...ballot, support: "against" as const }));
    await expect(dao.client(4).castVotes({ proposalId, ballots: lie })).rejects.toMatchObject({
      errorName: "NodeRegistryInvalidSignature",
    });
  });
});
