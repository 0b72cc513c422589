import { expect, it } from "vitest";
import { createElectorate, unhurried } from "./electorate.js";

const hour = 3_600_000;
const stragglersMs = 600_000;
const five = [0, 1, 2, 3, 4];

it.each([-hour, hour])("has ballots settled as before when the wall clock is stepped by %i ms", async (step) => {
  const world = await createElectorate({ nodes: 5, tracks: unhurried() });
  await world.seat(five, { stragglersMs });
  await world.run();
  const proposal = await world.open();
  const ballots = { 0: "for", 1: "against", 2: "abstain" } as const;
  await world.vote(proposal, ballots);
  await world.heard(proposal.id, 3);
  world.clock.stepWall(step);
  await Promise.all(five.map((index) => world.seatOf(index).look()));
  expect(await world.transactions(proposal.id)).toEqual([]);

  // A ballot that is on its way after the step is neither refused nor taken for the only one.
  await world.vote(proposal, { 3: "for" });
  await world.heard(proposal.id, 4);
  world.pass(stragglersMs);
  await world.settles(proposal.id, { ...ballots, 3: "for" });
  expect(await world.brought(proposal.id)).toHaveLength(1);
  for (const index of five) expect(world.seatOf(index).exchange.counts).toMatchObject({ notNow: 0, overLimit: 0 });
  expect(world.logs.filter(({ message }) => message === "voted directly")).toEqual([]);
});
