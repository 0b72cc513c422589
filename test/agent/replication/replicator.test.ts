import { expect, it } from "vitest";
import { encodeReport, viewOf } from "../../../src/agent/replication/message.js";
import { retentionRules } from "../../../src/policy/index.js";
import { buildTree, cidToContentId, encodeManifest, encodeRecord, leafOf } from "../../../src/records/index.js";
import { incidentOf } from "../../harness/dao.js";
import { patience } from "../../harness/patience.js";
import { model } from "../../records/samples.js";
import { createReplicationMesh } from "./replicationMesh.js";

const incidents = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ kind: "Incident" as const, value: incidentOf(`${name}/${i}`) }));

/** For a mesh in which no node counts as away, however long a busy machine keeps it silent. */
const never = 600_000;

/**
 * How many nodes hold each block after garbage collection. To be asked again while it is too many: on a busy machine a node
 * may be silent for so long that others fetch its share, which they unpin once it is back.
 */
async function heldAfterGc(mesh: Awaited<ReturnType<typeof createReplicationMesh>>, cids: readonly string[]) {
  for (const { content } of mesh.live.values()) await content.gc({ graceMs: 0 });
  return Promise.all(cids.map((cid) => mesh.holdersOf(cid)));
}

it("has every record pinned by as many nodes as was voted besides its author, through garbage collection", async () => {
  const mesh = await createReplicationMesh({ nodes: 4, replicas: 2, awayMs: never });
  const cids = [...(await mesh.anchor(0, incidents("a", 10))), ...(await mesh.anchor(1, incidents("b", 5)))];
  await mesh.waitForReplicated(15);
  const kept = () => Promise.all(cids.map((cid) => mesh.pinnedBy(cid)));
  await expect.poll(kept, patience).toEqual(cids.map(() => 3));
  await expect.poll(() => heldAfterGc(mesh, cids), patience).toEqual(cids.map(() => 3));
  // The manifests of both anchors are replicated, too.
  const manifests = (await mesh.node(2).client.listAnchors()).entries.map(({ manifest }) => manifest);
  expect(manifests).toHaveLength(2);
  // The last report of a node is up to one interval older than its pins.
  await expect.poll(() => mesh.node(3).replicator.state.byHolders, patience).toEqual([0, 0, 0, 17]);
});

it("restores the number of replicas when nodes are lost with their disks", async () => {
  const mesh = await createReplicationMesh({ nodes: 5, replicas: 2 });
  const cids = (await Promise.all([0, 1, 2].map((index) => mesh.anchor(index, incidents(`by-${index}`, 8))))).flat();
  await mesh.waitForReplicated(24);
  for (const index of [1, 2]) await mesh.node(index).stop(true);
  await mesh.waitForPresent(3);
  await mesh.waitForReplicated(24);
  for (const cid of cids) {
    expect(await mesh.pinnedBy(cid)).toBeGreaterThanOrEqual(2);
    const contentId = cidToContentId(cid);
    await expect(mesh.node(4).client.fetchRecord({ contentId })).resolves.toMatchObject({ cid });
  }

  // A node that comes back with an empty disk fetches what it wrote.
  await mesh.start(1);
  await mesh.waitForPresent(4);
  await mesh.waitForReplicated(24);
  for (const cid of cids.slice(8, 16)) expect(await mesh.node(1).content.has(cid)).toBe(true);
});

it("moves shares to new members, and unpins what others hold then", async () => {
  const mesh = await createReplicationMesh({ nodes: 4, replicas: 1, running: [0, 1], awayMs: 3_000 });
  const cids = await mesh.anchor(0, incidents("early", 20));
  await mesh.waitForPresent(2);
  await mesh.waitForReplicated(20);
  for (const index of [2, 3]) await mesh.start(index);
  await mesh.waitForPresent(4);
  await mesh.waitForReplicated(20);
  await expect
    .poll(async () => Promise.all(cids.map((cid) => mesh.pinnedBy(cid))), patience)
    .toEqual(cids.map(() => 2));
  await expect.poll(() => heldAfterGc(mesh, cids), patience).toEqual(cids.map(() => 2));
});

it("unpins nothing in favour of a node that reports it missing, nor of one that reports nothing", async () => {
  const mesh = await createReplicationMesh({ nodes: 3, replicas: 1, running: [0, 1] });
  const cids = await mesh.anchor(0, incidents("held", 20));
  await mesh.waitForPresent(2);
  await mesh.waitForReplicated(20);
  const kept = () => Promise.all(cids.map((cid) => mesh.pinnedBy(cid)));
  await expect.poll(kept, patience).toEqual(cids.map(() => 2));

  const idle = await mesh.start(2, true);
  const topic = `witan/replication/1/${idle.client.chain.addresses.KnowledgeRegistry.toLowerCase()}`;
  idle.gossip.subscribe(topic, () => undefined);
  const view = viewOf(
    [0, 1, 2].map((i) => mesh.node(i).self),
    retentionRules(new Map(), { min: 1, max: 1 }),
  );
  const missing = cids.map(cidToContentId);
  const block = await idle.client.chain.blockNumber();
  const say = () => idle.gossip.publish(topic, encodeReport({ block, view, missing }));
  await expect
    .poll(async () => {
      await say();
      return mesh.node(1).replicator.state.present;
    }, patience)
    .toBe(3);
  const looks = async () => {
    await say();
    for (const index of [0, 1]) await mesh.node(index).replicator.tick();
  };
  for (let times = 0; times < 3; times++) await looks();
  // The idle node now has to hold some. On a busy machine its last report may be too old by the time that it is counted.
  await expect
    .poll(async () => {
      await looks();
      const { byHolders, present, underReplicated } = mesh.node(1).replicator.state;
      return { present, underReplicated, lacksSome: (byHolders[1] ?? 0) > 0 };
    }, patience)
    .toEqual({ present: 3, underReplicated: 0, lacksSome: true });
  expect(Math.min(...(await kept()))).toBe(2);
});

it("replicates a model's weights with its record", async () => {
  const mesh = await createReplicationMesh({ nodes: 3, replicas: 2, awayMs: never });
  const { client, content, self } = mesh.node(0);
  const weights = await content.putFile([new Uint8Array(3_000_000).fill(7)], { keep: "model" });
  const [cid = ""] = await mesh.anchor(0, [
    {
      kind: "Model",
      value: {
        ...model,
        weights: { ...weights, format: "safetensors" },
        contributors: [{ node: self, samples: 10, update: weights.cid }],
      },
    },
  ]);
  await mesh.waitForReplicated(1);
  await mesh.node(0).stop(true);
  const { content: other } = mesh.node(1);
  await mesh.node(2).stop(true);
  await other.gc({ graceMs: 0 });
  expect(await other.has(cid)).toBe(true);
  expect(await other.getFile(weights.cid, { sha256: weights.sha256 })).toHaveLength(3_000_000);
  expect(client.account).toBe(self);
});

it("replicates the rest if a node anchors what no node has, or what is no record, and reports what is missing", async () => {
  const mesh = await createReplicationMesh({ nodes: 3, replicas: 2, awayMs: never });
  const { client, content, self } = mesh.node(0);
  const absent = encodeRecord("Incident", incidentOf("absent"));
  const bogus = await content.put(new TextEncoder().encode("no record"));
  const leaves = [absent.contentId, cidToContentId(bogus)].map((contentId) => ({
    kind: "Incident" as const,
    contentId,
  }));
  const { root } = buildTree(leaves.map(({ kind, contentId }) => leafOf(self, kind, contentId)));
  const manifest = encodeManifest({ schema: "witan/batch/1", author: self, leaves });
  await content.put(manifest.bytes);
  await client.chain.send(() => client.chain.contracts.knowledge.anchor(root, leaves.length, manifest.contentId));

  const there = await mesh.anchor(0, incidents("there", 5));
  await expect.poll(() => Promise.all(there.map((cid) => mesh.pinnedBy(cid))), patience).toEqual(there.map(() => 3));
  await expect
    .poll(() => mesh.node(1).replicator.state, patience)
    .toMatchObject({ records: 7, missing: 2, underReplicated: 2 });
});
