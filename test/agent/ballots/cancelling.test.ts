import { bls12_381 } from "@noble/curves/bls12-381.js";
import { getBytes, toBeHex, toBigInt } from "ethers";
import { describe, expect, it } from "vitest";
import { blsKey } from "../../harness/deploy.js";
import { all, createElectorate, unhurried } from "./electorate.js";

const five = [0, 1, 2, 3, 4];

/** The last two nodes are of one hand: their keys add up to nothing. */
async function withTwins(others: readonly number[] = five) {
  const [first, second] = [others.length, others.length + 1];
  const negative = getBytes(toBeHex(bls12_381.fields.Fr.ORDER - toBigInt(blsKey(first)), 32));
  const world = await createElectorate({
    nodes: others.length + 2,
    tracks: unhurried(),
    blsKeys: { [second]: negative },
  });
  await world.seat([...others, first, second]);
  const proposal = await world.open();
  await world.meet();
  return { world, proposal };
}

describe("two nodes whose keys cancel out", () => {
  it("alone on their side cannot keep the larger one from the chain, and vote directly in the end", async () => {
    const { world, proposal } = await withTwins();
    const honest = all(five, "for");
    const twins = all([5, 6], "against");
    await world.vote(proposal, { ...honest, ...twins });
    await world.heard(proposal.id, 7);
    await world.run();
    await world.settles(proposal.id, honest);
    expect(await world.brought(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);

    const { chain } = world.setting.client();
    await world.setting.witan.increaseTime(proposal.deadline - (await chain.now()) - 290);
    await world.settles(proposal.id, { ...honest, ...twins });
    const directly = (await world.brought(proposal.id)).filter(({ method }) => method === "castVoteWithReason");
    expect(directly.map(({ by }) => by).sort()).toEqual([5, 6]);
  });

  it.each([
    ["for", "against"],
    ["against", "for"],
  ] as const)("cannot keep a side from the chain that is no larger than theirs: %s", async (theirs, others) => {
    const { world, proposal } = await withTwins([0, 1]);
    const honest = all([0, 1], others);
    await world.vote(proposal, { ...all([2, 3], theirs), ...honest });
    await world.heard(proposal.id, 4);
    await world.run();
    await world.settles(proposal.id, honest);
  });

  it("are settled with all others where somebody else is on their side", async () => {
    const { world, proposal } = await withTwins();
    const ballots = { ...all([0, 1, 2, 3], "for"), ...all([4, 5, 6], "against") };
    await world.vote(proposal, ballots);
    await world.heard(proposal.id, 7);
    await world.run();
    await world.settles(proposal.id, ballots);
    expect(await world.brought(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);
  });
});
