import { expect, it } from "vitest";
import { all } from "../../harness/mesh.js";
import { createAttestationMesh, done } from "./attestationMesh.js";

const hour = 3_600_000;
const waitForMoreMs = 600_000;
const seven = [0, 1, 2, 3, 4, 5, 6];

it.each([-hour, hour])("has attestations settled as before when the wall clock is stepped by %i ms", async (step) => {
  const mesh = await createAttestationMesh({ nodes: 7 });
  await mesh.start(seven, { waitForMoreMs });
  const directive = await mesh.issue("web-3", { window: 86_400 });
  await mesh.run();
  await mesh.attest(directive, done, 0, 1);
  await mesh.waitForAttestations(directive, 2);
  mesh.clock.stepWall(step);
  await mesh.update();
  expect(await mesh.transactions(directive.id)).toEqual([]);

  // An attestation that is on its way after the step is neither refused nor taken for the only one.
  await mesh.attest(directive, done, 2);
  await mesh.waitForAttestations(directive, 3);
  mesh.clock.pass(waitForMoreMs);
  await mesh.waitForReports(directive.id, all([0, 1, 2], done));
  expect(await mesh.settlements(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
  for (const index of seven) expect(mesh.node(index).exchange.counts).toMatchObject({ notNow: 0, overLimit: 0 });
});
