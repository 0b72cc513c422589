import { expect, it } from "vitest";
import { all, createCommittee, done } from "./committee.js";

const hour = 3_600_000;
const stragglersMs = 600_000;
const seven = [0, 1, 2, 3, 4, 5, 6];

it.each([-hour, hour])("has attestations settled as before when the wall clock is stepped by %i ms", async (step) => {
  const world = await createCommittee({ nodes: 7 });
  await world.seat(seven, { stragglersMs });
  const directive = await world.issue("web-3", { window: 86_400 });
  await world.run();
  await world.attest(directive, done, 0, 1);
  await world.heard(directive, 2);
  world.clock.stepWall(step);
  await world.look();
  expect(await world.transactions(directive.id)).toEqual([]);

  // An attestation that is on its way after the step is neither refused nor taken for the only one.
  await world.attest(directive, done, 2);
  await world.heard(directive, 3);
  world.pass(stragglersMs);
  await world.counts(directive.id, all([0, 1, 2], done));
  expect(await world.brought(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
  for (const index of seven) expect(world.seatOf(index).exchange.counts).toMatchObject({ notNow: 0, overLimit: 0 });
});
