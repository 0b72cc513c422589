import { rm } from "node:fs/promises";
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
import { deployWitan, type Witan } from "../../harness/deploy.js";
import { temporaryFolder } from "../../harness/folder.js";
import { patience } from "../../harness/patience.js";

const silent = createLogger("silent", () => undefined);

/** A node with real IPFS, gossip and chain that only replicates. */
export interface ReplicationNode {
  readonly self: Address;
  readonly client: Client;
  readonly content: HeliaContent;
  readonly gossip: Gossip;
  readonly replicator: Replicator;
  readonly dir: string;
  /** Stops it, and wipes its disk if asked to. */
  stop(wipe?: boolean): Promise<void>;
}

export interface ReplicationMeshOptions {
  readonly nodes: number;
  readonly replicas?: number;
  /** The nodes that run at first; all by default. */
  readonly running?: readonly number[];
  readonly awayMs?: number;
}

export async function createReplicationMesh({ nodes, replicas = 2, running, awayMs = 1_500 }: ReplicationMeshOptions) {
  const folder = temporaryFolder();
  const dirs = Array.from({ length: nodes }, (_, i) => join(folder, `node-${i}`));
  const identities = await Promise.all(dirs.map((dir) => loadIdentity(dir)));
  const witan: Witan = await deployWitan({ nodes, peerIds: identities.map(({ peerIdBytes }) => peerIdBytes) });
  const live = new Map<number, ReplicationNode>();
  onTestFinished(async () => {
    for (const node of [...live.values()]) await node.stop();
  });

  /** @param idle The replicator is not started. */
  async function start(index: number, idle = false): Promise<ReplicationNode> {
    const dir = dirs[index] ?? "";
    const identity = identities[index];
    if (identity === undefined) throw new Error(`there is no node ${index}`);
    const peers = [...live.values()].flatMap(({ content }) => content.multiaddrs());
    // A node with a new disk keeps its key.
    const content = await createHeliaContent({ dir, peers, privateKey: identity.privateKey });
    const chain = await createChain({
      provider: witan.provider,
      ...witan.deployment,
      signer: witan.operators[index],
      pollMs: 5,
    });
    const client = createClient({ chain, content });
    const gossip = createGossip({ pubsub: content.pubsub });
    const replicator = await Replicator.open({
      client,
      content,
      gossip,
      self: client.account as Address,
      clock: systemClock,
      logger: silent,
      retention: new ChainRetentionReader({ client, finality: "finalized", replicas: { min: 1, max: replicas } }),
      // Above the least interval of reports, so that none is dropped.
      everyMs: 300,
      awayMs,
    });
    if (!idle) replicator.start();
    const node: ReplicationNode = {
      self: client.account as Address,
      client,
      content,
      gossip,
      replicator,
      dir,
      async stop(wipe = false) {
        live.delete(index);
        await replicator.stop();
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
    /** Anchors records of one node, and returns their CIDs. */
    async anchor(index: number, records: readonly NewRecord[]): Promise<string[]> {
      const { records: anchored } = await node(index).client.anchorRecords({ records });
      return anchored.map(({ cid }) => cid);
    },
    /** Waits until every running node counts this many present members, itself included. */
    async waitForPresent(present: number): Promise<void> {
      const counts = () => [...live.values()].map(({ replicator: { state } }) => state.present);
      await expect.poll(counts, patience).toEqual([...live.values()].map(() => present));
    },
    /** Waits until every running node knows enough holders of every record. */
    async waitForReplicated(records: number): Promise<void> {
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
    /** How many running nodes pin it, so that garbage collection leaves it. */
    async pinnedBy(cid: string): Promise<number> {
      const names = ["replica", "record", "manifest"];
      const pinned = [...live.values()].map(async ({ content }) => {
        const pins = await Promise.all(names.map((name) => content.pins.get(`${name}/${cid}`)));
        return pins.some((pin) => pin !== undefined);
      });
      return (await Promise.all(pinned)).filter(Boolean).length;
    },
  };
}
