import { expect, it } from "vitest";
import { createPlacementReader } from "../../../src/client/index.js";
import { shortTracks } from "../../harness/deploy.js";
import { patience } from "../../harness/patience.js";
import { deploySpec, issueOrder } from "../../harness/workloads.js";
import { agentsOf } from "./agentsOf.js";

it("has agents vote for a Scale of a workload that the mesh places, and attest it alike, without a leader", async () => {
  const { connect, ended, fleet, operator, start, witan } = await agentsOf({ nodes: 4, readsPlacement: true });
  const byHand = await connect(operator(3));
  await byHand.describeHost({ host: { labels: {}, addresses: [], slots: 8, draining: false } });
  await issueOrder({ client: () => byHand, content: byHand.content, witan }, deploySpec("web", "v1", { replicas: 2 }));
  await start(0, 1, 2);
  await byHand.openProposal({ order: { kind: "Scale", workload: "web", replicas: 5 } });
  await witan.increaseTime(shortTracks.operations.votingDelay + 1);

  const scale = await ended(byHand, "Scale");
  expect(scale.status).toBe("Done");
  const { value } = await byHand.fetchRecord({ contentId: scale.outcome ?? "0x", kind: "Outcome" });
  expect(value.detail).toEqual([
    { subject: "workload/web", result: "done", note: "5 replicas are placed since its issue" },
  ]);
  // The folder of the same name on their machines is another workload.
  expect(fleet.list()).toHaveLength(3);
  const placed = await createPlacementReader(byHand).at(await byHand.chain.blockNumber());
  expect(placed.placement.seats.size).toBe(5);
});

it("has agents vote against a Deploy that hosts could not carry out, and say nothing of one that people decide", async () => {
  const { agents, connect, cycles, operator, start, witan } = await agentsOf({ nodes: 4, readsPlacement: true });
  const byHand = await connect(operator(3));
  await byHand.describeHost({ host: { labels: {}, addresses: [], slots: 8, draining: false } });
  await start(0, 1, 2);
  const short = await byHand.openProposal({ order: deploySpec("web", "v1"), window: 60 });
  const unsigned = await byHand.openProposal({ order: deploySpec("web", "v2"), window: 3_600 });
  await witan.increaseTime(shortTracks.operations.votingDelay + 1);

  const against = async () => (await byHand.getProposal({ proposalId: short.proposalId })).votes.against;
  await expect.poll(against, patience).toBe(3);
  const [ballot] = await byHand.listBallots({ proposalId: short.proposalId });
  expect(ballot?.reason).toContain("shorter than the plan");
  for (const index of agents.keys()) await cycles(index);
  expect(await byHand.listBallots({ proposalId: unsigned.proposalId })).toEqual([]);
});
