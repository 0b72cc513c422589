import { describe, expect, it } from "vitest";
import type { Support } from "../../../src/client/index.js";
import { all } from "../../harness/mesh.js";
import { NEVER_MS, patience } from "../../harness/patience.js";
import { createBallotMesh, slowTracks } from "./ballotMesh.js";

const nine = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/** Nine nodes in two parts between which no message passes, though all of them reach the chain. */
async function parted(
  parts: readonly (readonly number[])[],
  ballots: Readonly<Record<number, Support>>,
  quorum = 20_000,
) {
  const mesh = await createBallotMesh({ nodes: 9, tracks: slowTracks({ quorum }) });
  await mesh.start(nine);
  await mesh.run();
  const proposal = await mesh.propose();
  mesh.split(...parts);
  await mesh.vote(proposal, ballots);
  for (const part of parts) {
    const count = part.filter((index) => index in ballots).length;
    await mesh.waitForBallots(proposal.id, count, ...part);
  }
  return { mesh, proposal };
}

describe("a mesh in two parts", () => {
  const halves = [
    [0, 2, 4, 6, 8],
    [1, 3, 5, 7],
  ] as const;
  const ballots = { ...all([0, 1, 2, 5], "for"), ...all([3, 4, 8], "against"), ...all([6, 7], "abstain") };

  it("settles what each part has, and every node counts once", async () => {
    const { mesh, proposal } = await parted(halves, ballots);
    // Neither part can decide alone, so each waits for what does not come.
    expect(await mesh.transactions(proposal.id)).toEqual([]);
    mesh.clock.pass(NEVER_MS);
    await mesh.waitForTally(proposal.id, ballots);
    const senders = (await mesh.settlements(proposal.id)).map(({ by }) => by);
    expect(senders).toHaveLength(2);
    expect(senders.map((by) => by % 2).sort()).toEqual([0, 1]);

    mesh.heal();
    // Healed, they have nothing left to tell each other: what counts is not sent again.
    mesh.clock.pass(NEVER_MS);
    await mesh.update();
    expect(await mesh.counted(proposal.id)).toEqual(ballots);
    expect(await mesh.settlements(proposal.id)).toHaveLength(2);
    await mesh.increaseTimeTo(proposal.deadline + 1);
    expect((await mesh.dao.client().getProposal({ proposalId: proposal.id })).state).toBe("Succeeded");
  });

  it("decides once it has healed, by the ballots of both parts in one transaction", async () => {
    // Two thirds of all are needed, so every single ballot is: three nodes say nothing.
    const agreed = all([0, 1, 2, 3, 4, 5], "for");
    const { mesh, proposal } = await parted(halves, agreed, 40_000);
    mesh.heal();
    // A ballot that has not arrived is published again after ten seconds.
    mesh.clock.pass(10_000);
    await mesh.waitForTally(proposal.id, agreed);
    expect(await mesh.settlements(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);
  });

  it("decides by the larger part alone; the smaller one, too few for the quorum, is counted after it", async () => {
    const large = [0, 1, 2, 3, 4, 5, 6];
    const small = [7, 8];
    const { mesh, proposal } = await parted([large, small], { ...all(large, "for"), ...all(small, "against") }, 30_000);
    // Five are enough for the quorum: how many of the seven the first transaction brings depends on when they came.
    const decided = async () => {
      const indices = Object.keys(await mesh.counted(proposal.id)).map(Number);
      return { quorum: indices.length >= 5, ofSmall: indices.filter((index) => small.includes(index)) };
    };
    await expect.poll(decided, patience).toEqual({ quorum: true, ofSmall: [] });
    // Their ballots change nothing any more, but they are on the record in the end.
    mesh.heal();
    mesh.clock.pass(NEVER_MS);
    await mesh.waitForTally(proposal.id, { ...all(large, "for"), ...all(small, "against") });
    expect((await mesh.dao.client().getProposal({ proposalId: proposal.id })).votes).toEqual({
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
    const { mesh, proposal } = await parted(split, all(nine, "for"), 40_000);
    expect(await mesh.transactions(proposal.id)).toEqual([]);
    mesh.heal();
    mesh.clock.pass(10_000);
    await mesh.waitForBallots(proposal.id, 9);
    // The quorum may be there before the last has been heard, who then waits for nobody.
    mesh.clock.pass(NEVER_MS);
    await mesh.waitForTally(proposal.id, all(nine, "for"));
  });
});

describe("a mesh that is parted again and again", () => {
  it("ends with one tally, in which every node counts once", async () => {
    const mesh = await createBallotMesh({ nodes: 9, tracks: slowTracks({ quorum: 40_000 }) });
    await mesh.start(nine, { waitForMoreMs: 2_000 });
    await mesh.run();
    const proposal = await mesh.propose();
    const supportOf = (index: number): Support => (index % 3 === 0 ? "against" : "for");
    for (const index of nine) {
      const rest = nine.filter((other) => (other * 7 + index) % 3 !== 0);
      mesh.split(
        rest,
        nine.filter((other) => !rest.includes(other)),
      );
      await mesh.vote(proposal, { [index]: supportOf(index) });
      mesh.clock.pass(2_000);
    }
    mesh.heal();
    mesh.clock.pass(10_000);
    const ballots = Object.fromEntries(nine.map((index) => [index, supportOf(index)]));
    await mesh.waitForTally(proposal.id, ballots);
  });
});
