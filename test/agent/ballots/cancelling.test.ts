import { bls12_381 } from "@noble/curves/bls12-381.js";
import { getBytes, toBeHex, toBigInt } from "ethers";
import { describe, expect, it } from "vitest";
import { blsKey } from "../../harness/deploy.js";
import { all } from "../../harness/mesh.js";
import { createBallotMesh, slowTracks } from "./ballotMesh.js";

const five = [0, 1, 2, 3, 4];

/** The last two nodes are of one hand: their keys add up to nothing. */
async function withTwins(others: readonly number[] = five) {
  const [first, second] = [others.length, others.length + 1];
  const negative = getBytes(toBeHex(bls12_381.fields.Fr.ORDER - toBigInt(blsKey(first)), 32));
  const mesh = await createBallotMesh({
    nodes: others.length + 2,
    tracks: slowTracks(),
    blsKeys: { [second]: negative },
  });
  await mesh.start([...others, first, second]);
  const proposal = await mesh.propose();
  await mesh.updateMembers();
  return { mesh, proposal };
}

describe("two nodes whose keys cancel out", () => {
  it("alone on their side cannot keep the larger one from the chain, and vote directly in the end", async () => {
    const { mesh, proposal } = await withTwins();
    const honest = all(five, "for");
    const twins = all([5, 6], "against");
    await mesh.vote(proposal, { ...honest, ...twins });
    await mesh.waitForBallots(proposal.id, 7);
    await mesh.run();
    await mesh.waitForTally(proposal.id, honest);
    expect(await mesh.settlements(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);

    await mesh.increaseTimeTo(proposal.deadline - 290);
    await mesh.waitForTally(proposal.id, { ...honest, ...twins });
    const directly = (await mesh.settlements(proposal.id)).filter(({ method }) => method === "castVoteWithReason");
    expect(directly.map(({ by }) => by).sort()).toEqual([5, 6]);
  });

  it.each([
    ["for", "against"],
    ["against", "for"],
  ] as const)("cannot keep a side from the chain that is no larger than theirs: %s", async (theirs, others) => {
    const { mesh, proposal } = await withTwins([0, 1]);
    const honest = all([0, 1], others);
    await mesh.vote(proposal, { ...all([2, 3], theirs), ...honest });
    await mesh.waitForBallots(proposal.id, 4);
    await mesh.run();
    await mesh.waitForTally(proposal.id, honest);
  });

  it("are settled with all others where somebody else is on their side", async () => {
    const { mesh, proposal } = await withTwins();
    const ballots = { ...all([0, 1, 2, 3], "for"), ...all([4, 5, 6], "against") };
    await mesh.vote(proposal, ballots);
    await mesh.waitForBallots(proposal.id, 7);
    await mesh.run();
    await mesh.waitForTally(proposal.id, ballots);
    expect(await mesh.settlements(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);
  });
});
