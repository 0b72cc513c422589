import { describe, expect, it } from "vitest";
import type { Support } from "../../../src/client/index.js";
import { all, createElectorate, NEVER_MS, patience, unhurried } from "./electorate.js";

const nine = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const names = (indices: readonly number[]) => indices.map((index) => `node ${index}`);

/** Nine nodes in two parts that do not hear each other, though all of them speak to the chain. */
async function parted(
  parts: readonly (readonly number[])[],
  ballots: Readonly<Record<number, Support>>,
  quorum = 3_300,
) {
  const world = await createElectorate({ nodes: 9, tracks: unhurried({ quorum }) });
  await world.seat(nine);
  await world.run();
  const proposal = await world.open();
  world.hub.split(...parts.map(names));
  await world.vote(proposal, ballots);
  for (const part of parts) await world.heard(proposal.id, part.length, ...part);
  return { world, proposal };
}

describe("a mesh in two parts", () => {
  const halves = [
    [0, 2, 4, 6, 8],
    [1, 3, 5, 7],
  ] as const;
  const ballots = { ...all([0, 1, 2, 5], "for"), ...all([3, 4, 8], "against"), ...all([6, 7], "abstain") };

  it("settles what each part has, and every node counts once", async () => {
    const { world, proposal } = await parted(halves, ballots);
    // Neither part can decide alone, so each waits for what does not come.
    expect(await world.transactions(proposal.id)).toEqual([]);
    world.pass(NEVER_MS);
    await world.settles(proposal.id, ballots);
    const senders = (await world.brought(proposal.id)).map(({ by }) => by);
    expect(senders).toHaveLength(2);
    expect(senders.map((by) => by % 2).sort()).toEqual([0, 1]);

    world.hub.heal();
    // Healed, they have nothing left to tell each other: what counts is not sent again.
    world.pass(NEVER_MS);
    await Promise.all(nine.map((index) => world.seatOf(index).look()));
    expect(await world.counted(proposal.id)).toEqual(ballots);
    expect(await world.brought(proposal.id)).toHaveLength(2);
    await world.setting.witan.increaseTime(proposal.deadline - (await world.setting.client().chain.now()) + 1);
    expect((await world.setting.client().getProposal({ proposalId: proposal.id })).state).toBe("Succeeded");
  });

  it("decides once it has healed, by the ballots of both parts in one transaction", async () => {
    // With a quorum of all, every single ballot is needed.
    const agreed = { ...all([0, 1, 2, 3, 4, 5], "for"), ...all([6, 7, 8], "abstain") };
    const { world, proposal } = await parted(halves, agreed, 10_000);
    world.hub.heal();
    // Whoever has not been heard says it again after ten seconds.
    world.pass(10_000);
    await world.settles(proposal.id, agreed);
    expect(await world.brought(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);
  });

  it("decides by the larger part alone; the smaller one, too few for the quorum, is counted after it", async () => {
    const large = [0, 1, 2, 3, 4, 5, 6];
    const small = [7, 8];
    const { world, proposal } = await parted([large, small], { ...all(large, "for"), ...all(small, "against") }, 5_000);
    await expect.poll(() => world.counted(proposal.id).then(Object.keys), patience).toEqual(large.map(String));
    // Their ballots change nothing any more, but they are on the record in the end.
    world.hub.heal();
    world.pass(NEVER_MS);
    await world.settles(proposal.id, { ...all(large, "for"), ...all(small, "against") });
    expect((await world.setting.client().getProposal({ proposalId: proposal.id })).votes).toEqual({
      for: 7,
      against: 2,
      abstain: 0,
    });
  });

  it("decides nothing while both parts are too few, and all of it once they hear each other", async () => {
    const split = [
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8],
    ] as const;
    const { world, proposal } = await parted(split, all(nine, "for"), 7_000);
    expect(await world.transactions(proposal.id)).toEqual([]);
    world.hub.heal();
    world.pass(10_000);
    await world.heard(proposal.id, 9);
    // The quorum may be there before the last has been heard, who then waits for nobody.
    world.pass(NEVER_MS);
    await world.settles(proposal.id, all(nine, "for"));
  });
});

describe("a mesh that is parted again and again", () => {
  it("ends with one tally, in which every node counts once", async () => {
    const world = await createElectorate({ nodes: 9, tracks: unhurried({ quorum: 10_000 }) });
    await world.seat(nine, { stragglersMs: 2_000 });
    await world.run();
    const proposal = await world.open();
    const says = (index: number): Support => (index % 3 === 0 ? "against" : "for");
    for (const index of nine) {
      const rest = nine.filter((other) => (other * 7 + index) % 3 !== 0);
      world.hub.split(names(rest), names(nine.filter((other) => !rest.includes(other))));
      await world.vote(proposal, { [index]: says(index) });
      world.pass(2_000);
    }
    world.hub.heal();
    world.pass(10_000);
    const ballots = Object.fromEntries(nine.map((index) => [index, says(index)]));
    await world.settles(proposal.id, ballots);
  });
});
