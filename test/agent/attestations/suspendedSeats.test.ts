import { expect, it } from "vitest";
import { all } from "../../harness/mesh.js";
import { suspendSeats } from "../../harness/suspend.js";
import { createAttestationMesh, done, failed } from "./attestationMesh.js";

it("nodes that are present enact a directive, though they are not half of its committee", async () => {
  const mesh = await createAttestationMesh({ nodes: 5 });
  await mesh.start([0, 1, 2, 3, 4]);
  const directive = await mesh.issue();
  await suspendSeats(mesh.dao, 3, 4);
  await mesh.run();
  // It says so all the same: it does not count.
  await mesh.publish(4, mesh.sign(directive.id, 4, failed));
  await mesh.attest(directive, done, 0, 2);
  await mesh.waitForStatus(directive.id, "Done");
  expect(await mesh.counted(directive.id)).toEqual(all([0, 2], done));
});

it("reports that were too few enact a directive once others of its committee are suspended", async () => {
  const mesh = await createAttestationMesh({ nodes: 5 });
  await mesh.start([0, 1, 2]);
  const directive = await mesh.issue();
  const outcome = done.outcome ?? "0x";
  await mesh.update();
  // One alone, one together with a node that is suspended later, and that one's own end is another.
  await mesh.dao.client(0).reportDirective({ directiveId: directive.id, report: "done", outcome });
  const attestations = [mesh.sign(directive.id, 1, done)];
  await mesh.dao.client(1).attestDirective({ directiveId: directive.id, report: "done", outcome, attestations });
  const against = failed.outcome ?? "0x";
  await mesh.dao.client(4).reportDirective({ directiveId: directive.id, report: "failed", outcome: against });
  expect(await mesh.statusOf(directive.id)).toBe("Issued");

  await suspendSeats(mesh.dao, 3, 4);
  expect(await mesh.dao.client().getDirective({ directiveId: directive.id })).toMatchObject({
    ...{ committeeSize: 5, departed: [3, 4], needed: 2 },
  });
  await mesh.run();
  mesh.clock.pass(60_000);
  await mesh.waitForStatus(directive.id, "Done");
  expect(mesh.logs.filter(({ message }) => message === "enacted a directive")).toMatchObject([{ report: "done" }]);
});
