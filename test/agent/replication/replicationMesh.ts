import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { Replicator } from "../../../src/agent/replication/replicator.js";
import { ChainRetentionReader } from "../../../src/agent/replication/retentionReader.js";
import { type Client, createClient, type NewRecord } from "../../../src/client/index.js";
import { createChain } from "../../../src/ports/chain/index.js";
import { createHeliaContent, type HeliaContent } from "../../../src/ports/content/drivers/helia.js";
import { loadIdentity } from "../../../src/ports/content/drivers/identity.js";
import { createGossip, type Gossip } from "../../../src/ports/gossip/index.js";
import type { Address } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { createLogger } from "../../../src/utils/logger.js";
import { patience } from "../../harness/agents.js";
import { deployWitan, type Witan } from "../../harness/deploy.js";

const silent = createLogger("silent", () => undefined);

/** A node with real IPFS, gossip and chain, that does nothing but keep its share. */
export interface ReplicationNode {
  readonly self: Address;
  readonly client: Client;
  readonly content: HeliaContent;
  readonly gossip: Gossip;
  readonly replicator: Replicator;
  readonly dir: string;
  /** Stops it; its disk stays unless it is to be wiped. */
  stop(wipe?: boolean): Promise<void>;
}

export interface ReplicationMeshOptions {
  readonly nodes: number;
  readonly replicas?: number;
  /** Of the nodes that run at first; all by default. */
  readonly running?: readonly number[];
  readonly awayMs?: number;
}

export async function createReplicationMesh({ nodes, replicas = 2, running, awayMs = 1_500 }: ReplicationMeshOptions) {
  const folder = await mkdtemp(join(tmpdir(), "witan-keeping-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const dirs = Array.from({ length: nodes }, (_, i) => join(folder, `node-${i}`));
  const identities = await Promise.all(dirs.map((dir) => loadIdentity(dir)));
  const witan: Witan = await deployWitan({ nodes, peerIds: identities.map(({ peerIdBytes }) => peerIdBytes) });
  const live = new Map<number, ReplicationNode>();
  onTestFinished(async () => {
    for (const node of [...live.values()]) await node.stop();
  });

  /** @param idle It runs, and keeps nothing of its own accord. */
  async function start(index: number, idle = false): Promise<ReplicationNode> {
    const dir = dirs[index] ?? "";
    const identity = identities[index];
    if (identity === undefined) throw new Error(`there is no node ${index}`);
    const peers = [...live.values()].flatMap(({ content }) => content.multiaddrs());
    // Its key comes from elsewhere where its disk is new.
    const content = await createHeliaContent({ dir, peers, privateKey: identity.privateKey });
    const chain = await createChain({
      provider: witan.provider,
      ...witan.deployment,
      signer: witan.operators[index],
      pollMs: 5,
    });
    const client = createClient({ chain, content });
    const gossip = createGossip({ pubsub: content.pubsub });
    const keeper = new Replicator({
      client,
      content,
      gossip,
      self: client.account as Address,
      clock: systemClock,
      logger: silent,
      retention: new ChainRetentionReader({ client, finality: "finalized", replicas: { min: 1, max: replicas } }),
      everyMs: 200,
      awayMs,
    });
    if (!idle) keeper.start();
    const node: ReplicationNode = {
      self: client.account as Address,
      client,
      content,
      gossip,
      replicator,
      dir,
      async stop(wipe = false) {
        live.delete(index);
        await keeper.stop();
        await content.close();
        chain.close();
        if (wipe) await rm(dir, { recursive: true, force: true });
      },
    };
    live.set(index, node);
    return node;
  }

  for (const index of running ?? dirs.keys()) await start(index);
  const node = (index: number): ReplicationNode => {
    const found = live.get(index);
    if (found === undefined) throw new Error(`node ${index} does not run`);
    return found;
  };
  return {
    witan,
    live,
    node,
    start,
    /** Anchors records of one node; gives their CIDs. */
    async anchor(index: number, records: readonly NewRecord[]): Promise<string[]> {
      const { records: anchored } = await node(index).client.anchorRecords({ records });
      return anchored.map(({ cid }) => cid);
    },
    /** Waits until every running node has heard of so many that are there, itself included. */
    async sees(present: number): Promise<void> {
      const counts = () => [...live.values()].map(({ replicator: { state } }) => state.present);
      await expect.poll(counts, patience).toEqual([...live.values()].map(() => present));
    },
    /** Waits until every running node sees all records held by enough. */
    async settled(records: number): Promise<void> {
      const states = () => [...live.values()].map(({ replicator: { state } }) => state);
      await expect
        .poll(() => states().map((state) => [state.records, state.missing, state.underReplicated]), patience)
        .toEqual(states().map(() => [records, 0, 0]));
    },
    /** How many running nodes hold a block on their own disk. */
    async holdersOf(cid: string): Promise<number> {
      const held = await Promise.all([...live.values()].map(({ content }) => content.has(cid)));
      return held.filter(Boolean).length;
    },
    /** How many running nodes keep it, whatever is collected. */
    async keepersOf(cid: string): Promise<number> {
      const names = ["replica", "record", "manifest"];
      const kept = [...live.values()].map(async ({ content }) => {
        const roots = await Promise.all(names.map((name) => content.pins.get(`${name}/${cid}`)));
        return roots.some((root) => root !== undefined);
      });
      return (await Promise.all(kept)).filter(Boolean).length;
    },
  };
}
