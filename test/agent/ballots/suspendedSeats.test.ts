import { expect, it } from "vitest";
import { all } from "../../harness/mesh.js";
import { patience } from "../../harness/patience.js";
import { suspendSeats } from "../../harness/suspend.js";
import { createBallotMesh } from "./ballotMesh.js";

const five = [0, 1, 2, 3, 4];

it("a suspended node's ballot is not settled, and the rest decide without it", async () => {
  const mesh = await createBallotMesh({ nodes: 5 });
  await mesh.start(five);
  await suspendSeats(mesh.dao, 4);
  await mesh.run();
  const proposal = await mesh.propose();
  expect(proposal.rules).toMatchObject({ committeeSize: 5, presence: 1, counted: 4, fastPathFor: 3 });
  const needs = (index: number) => mesh.node(index).exchange.needs(proposal, mesh.accountOf(index));
  await mesh.update();
  expect([await needs(3), await needs(4)]).toEqual([true, false]);

  // It votes all the same, past its own check.
  await mesh.publish(4, await mesh.sign(proposal.id, 4, "against"));
  await mesh.vote(proposal, all([0, 1, 2], "for"));
  await expect
    .poll(async () => (await mesh.dao.client().getProposal({ proposalId: proposal.id })).state, patience)
    .toBe("Succeeded");
  expect(await mesh.counted(proposal.id)).toEqual(all([0, 1, 2], "for"));
});

it("a ballot that came before its node was suspended, and its proposal opened, does not spoil those of the others", async () => {
  const mesh = await createBallotMesh({ nodes: 5 });
  await mesh.start([0, 1, 2, 3]);
  await mesh.run();
  const { client } = mesh.dao;
  const order = { kind: "Scale", workload: "web", replicas: 4 } as const;
  const { proposalId } = await client().prepareProposal({ order });
  await mesh.publish(4, await mesh.sign(proposalId, 4, "for"));
  await mesh.waitForBallots(proposalId, 1);
  await suspendSeats(mesh.dao, 4);

  const proposal = await mesh.propose(order);
  expect([proposal.id, proposal.rules.counted]).toEqual([proposalId, 4]);
  await mesh.update();
  await mesh.vote(proposal, all([0, 1, 2], "for"));
  await expect.poll(async () => (await client().getProposal({ proposalId })).state, patience).toBe("Succeeded");
  expect(await mesh.counted(proposalId)).toEqual(all([0, 1, 2], "for"));
});

it("the first in line is skipped while it is suspended: the next one settles at once", async () => {
  const mesh = await createBallotMesh({ nodes: 5 });
  await mesh.start(five);
  const order = { kind: "Scale", workload: "web", replicas: 4 } as const;
  const { proposalId } = await mesh.dao.client().prepareProposal({ order });
  const [first = 0, ...others] = mesh.settlersOf(proposalId);
  await suspendSeats(mesh.dao, first);
  await mesh.run();
  const proposal = await mesh.propose(order);
  await mesh.update();
  // No time passes for the nodes, so nobody steps in for another.
  await mesh.vote(proposal, all(others.slice(0, 3), "for"));
  await expect.poll(() => mesh.settlements(proposalId), patience).toHaveLength(1);
  expect(await mesh.settlements(proposalId)).toMatchObject([{ by: others[0] }]);
});
