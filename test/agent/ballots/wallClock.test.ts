import { expect, it } from "vitest";
import { createBallotMesh, slowTracks } from "./ballotMesh.js";

const hour = 3_600_000;
const waitForMoreMs = 600_000;
const five = [0, 1, 2, 3, 4];

it.each([-hour, hour])("has ballots settled as before when the wall clock is stepped by %i ms", async (step) => {
  const mesh = await createBallotMesh({ nodes: 5, tracks: slowTracks() });
  await mesh.start(five, { waitForMoreMs });
  await mesh.run();
  const proposal = await mesh.propose();
  const ballots = { 0: "for", 1: "against", 2: "abstain" } as const;
  await mesh.vote(proposal, ballots);
  await mesh.waitForBallots(proposal.id, 3);
  mesh.clock.stepWall(step);
  await mesh.update();
  expect(await mesh.transactions(proposal.id)).toEqual([]);

  // A ballot that is on its way after the step is neither refused nor taken for the only one.
  await mesh.vote(proposal, { 3: "for" });
  await mesh.waitForBallots(proposal.id, 4);
  mesh.clock.pass(waitForMoreMs);
  await mesh.waitForTally(proposal.id, { ...ballots, 3: "for" });
  expect(await mesh.settlements(proposal.id)).toHaveLength(1);
  for (const index of five) expect(mesh.node(index).exchange.counts).toMatchObject({ notNow: 0, overLimit: 0 });
  expect(mesh.logs.filter(({ message }) => message === "voted directly")).toEqual([]);
});
