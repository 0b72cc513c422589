import { expect, it } from "vitest";
import type { Client } from "../../../src/client/index.js";
import {
  type ContentId,
  cidToContentId,
  encodeSafetensors,
  float32Tensor,
  type Order,
} from "../../../src/records/index.js";
import { failureOf, incidentOf, restartOrder, stateOf } from "../../harness/dao.js";
import { patience } from "../../harness/patience.js";
import { model } from "../../records/samples.js";
import { createReplicationMesh } from "./replicationMesh.js";

const HOUR = 3_600;
const DAY = 24 * HOUR;
type Mesh = Awaited<ReturnType<typeof createReplicationMesh>>;

/** Opens a proposal and votes for it with all nodes, until it has passed. */
async function pass(mesh: Mesh, order: Order, evidence: readonly ContentId[] = []): Promise<string> {
  const { client } = mesh.node(0);
  const { proposalId } = await client.openProposal({ order, evidence, window: 4 * HOUR });
  const now = () => client.chain.now();
  const { start } = await client.getProposal({ proposalId });
  await mesh.witan.increaseTime(Math.max(1, start - (await now()) + 1));
  for (const node of mesh.live.values()) await voteFor(node.client, proposalId);
  const { state, deadline } = await client.getProposal({ proposalId });
  if (state === "Active") await mesh.witan.increaseTime(deadline - (await now()) + 1);
  return proposalId;
}

/** Passes a proposal, queues it and executes it. */
async function decide(mesh: Mesh, order: Order, evidence: readonly ContentId[] = []): Promise<void> {
  const { client } = mesh.node(0);
  const proposalId = await pass(mesh, order, evidence);
  const { eta } = await client.queueProposal({ proposalId });
  await mesh.witan.increaseTime(Math.max(1, eta - (await client.chain.now())));
  await client.executeProposal({ proposalId });
}

async function voteFor(client: Client, proposalId: string): Promise<void> {
  if ((await client.getProposal({ proposalId })).state === "Active")
    await client.castVote({ proposalId, support: "for" });
}

const retain = (kind: string, seconds: number): Order => ({
  kind: "SetParameter",
  name: `retain.${kind}`,
  value: `${seconds}`,
});

/** A model with weights of its own, which its author has pinned. */
async function modelBy(mesh: Mesh, index: number, fill: number) {
  const { content, self } = mesh.node(index);
  const bytes = encodeSafetensors([float32Tensor("w", [400_000], new Float32Array(400_000).fill(fill))]);
  const weights = await content.putFile([bytes], { keep: "model" });
  const update = await content.putFile([new Uint8Array(2_000).fill(fill * 10)], { keep: "update" });
  const value = {
    ...model,
    parents: [],
    weights: { ...weights, format: "safetensors" as const },
    contributors: [{ node: self, samples: 10, update: update.cid }],
  };
  return { weights: weights.cid, update: update.cid, value };
}

it("unpins on every node what is past the voted retention, and nothing that is newer, accepted or cited", async () => {
  const mesh = await createReplicationMesh({ nodes: 4, replicas: 2, awayMs: 600_000 });
  const { self } = mesh.node(0);
  const accepted = await modelBy(mesh, 0, 1);
  const spare = await modelBy(mesh, 0, 2);
  const sharing = [...spare.value.contributors, { node: mesh.node(1).self, samples: 10, update: accepted.update }];
  const cids = await mesh.anchor(0, [
    { kind: "State", value: stateOf(self, 1) },
    { kind: "Model", value: accepted.value },
    { kind: "Model", value: { ...spare.value, contributors: sharing } },
    ...["proposed", "ordered", "nobody"].map((name) => ({ kind: "Incident" as const, value: incidentOf(name) })),
  ]);
  const [old = "", acceptedCid = "", spareCid = "", proposed = "", ordered = "", uncited = ""] = cids;
  const [others = ""] = await mesh.anchor(1, [{ kind: "Incident", value: incidentOf("by another") }]);
  await mesh.waitForReplicated(7);

  const { round } = accepted.value;
  const modelId = cidToContentId(acceptedCid);
  const accept = { kind: "AcceptModel", name: "mnist", model: modelId, parent: null, round, accuracy: 0.9 } as const;
  await decide(mesh, accept, [modelId]);
  await mesh.witan.increaseTime(30 * DAY);
  const [young = ""] = await mesh.anchor(0, [{ kind: "State", value: stateOf(self, 2) }]);
  for (const kind of ["State", "Model"]) await decide(mesh, retain(kind, 7 * DAY));
  await pass(mesh, restartOrder, [cidToContentId(proposed)]);
  await decide(mesh, { kind: "Restart", replica: "web/4", instance: "web-4/1" }, [cidToContentId(ordered)]);
  await decide(mesh, retain("Incident", 7 * DAY));

  const gone = [old, spareCid, uncited, others];
  const kept = [young, acceptedCid, proposed, ordered];
  const pinCounts = (of: readonly string[]) => Promise.all(of.map((cid) => mesh.pinnedBy(cid)));
  const states = () => [...mesh.live.values()].map(({ replicator }) => replicator.state);
  await expect.poll(() => pinCounts(gone), patience).toEqual([0, 0, 0, 0]);
  // The state expired so long ago that it is forgotten.
  const settled = { expired: 3, missing: 0, underReplicated: 0, belowMinimum: 0 };
  await expect.poll(states, patience).toEqual(Array(4).fill(expect.objectContaining(settled)));
  for (const { content } of mesh.live.values()) await content.gc({ graceMs: 0 });
  for (const cid of [...gone, spare.weights, spare.update]) expect(await mesh.holdersOf(cid)).toBe(0);
  for (const cid of kept) expect(await mesh.holdersOf(cid)).toBe(3);
  expect(await mesh.holdersOf(accepted.weights)).toBe(3);
  expect(await mesh.holdersOf(accepted.update)).toBe(1);

  // A reader learns that no node has it, and why, and finds the rest.
  const { client } = mesh.node(3);
  const lost = () => failureOf(client.fetchRecord({ contentId: cidToContentId(old), timeoutMs: 2_000 }));
  const why = expect.stringContaining("By vote (retain.State) records of its kind are kept for 7 days");
  await expect.poll(lost, patience).toMatchObject({ code: "content-missing", message: why });
  for (const cid of kept) expect(await client.fetchRecord({ contentId: cidToContentId(cid) })).toMatchObject({ cid });
  expect(await client.listRecords({ kind: "State" })).toHaveLength(2);

  // The proposal and the directive end, and with them the hold on their evidence.
  await mesh.witan.increaseTime(5 * HOUR);
  await expect.poll(() => pinCounts([proposed, ordered]), patience).toEqual([0, 0]);
  expect(await pinCounts([young, acceptedCid])).toEqual([3, 3]);
});
