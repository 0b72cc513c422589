import type { Wallet } from "ethers";
import PQueue from "p-queue";
import type { Catalog } from "../catalog/index.js";
import { createClient } from "../client/index.js";
import { InvalidInputError, messageOf } from "../errors.js";
import { type Chain, createChain } from "../ports/chain/index.js";
import { createHeliaContent, type HeliaContent } from "../ports/content/drivers/helia.js";
import type { ContentMaintenance } from "../ports/content/index.js";
import { createGossip } from "../ports/gossip/index.js";
import { openEnvelope, sealEnvelope } from "../ports/keys/envelope.js";
import { loadBls, readBlsKey, readOperatorKey } from "../ports/keys/index.js";
import { PAYLOAD_TOPIC } from "../ports/keys/payloadTopic.js";
import { type Address, decodePayload } from "../records/index.js";
import { systemClock } from "../utils/clock.js";
import type { Logger } from "../utils/logger.js";
import { Agent } from "./agent.js";
import { type RunningCatalog, runCatalog } from "./catalog.js";
import { type AgentConfig, finalityOf } from "./config.js";
import { AgentDefaults } from "./defaults.js";
import { composeHandlers } from "./handlers/compose.js";
import { createMachineProbe } from "./loop/monitor/machine.js";
import { runBackups } from "./maintenance/backups.js";
import { Maintenance } from "./maintenance/maintenance.js";
import { Replicator } from "./replication/replicator.js";
import { ChainRetentionReader } from "./replication/retentionReader.js";

/** A node that runs: its IPFS node, its agent, and what others may ask of it. */
export interface RunningNode {
  readonly self: Address;
  readonly content: HeliaContent;
  readonly status: () => Promise<unknown>;
  /** What the node knows of a vote, also what is not on chain yet. */
  readonly ballots: Agent["ballotsOn"];
  /** Keeps the payload in an envelope that a member has signed, and returns its CID. */
  readonly takePayload: (envelope: Uint8Array) => Promise<string>;
  /** The node's index of chain and content; undefined where this Node has no SQLite. */
  readonly catalog: Catalog | undefined;
  stop(): Promise<void>;
}

/** Somebody who is no member asked a node to keep something. */
class NotMemberError extends InvalidInputError {
  constructor(author: Address) {
    super(`${author} is not a member, so nothing is kept for it.`);
  }
}

/**
 * Starts everything that a node consists of, from its configuration.
 *
 * @throws {KeyError} on a wrong password, {ChainError} where the chain is out of reach or another one, {ConfigError} for
 * a task that is none. Nothing is left open then.
 */
export async function startNode(config: AgentConfig, password: string, logger: Logger): Promise<RunningNode> {
  const wallet = await readOperatorKey(config.keys.operator, password);
  const blsSecret = config.keys.bls === undefined ? undefined : await readBlsKey(config.keys.bls, password);
  const { rpcUrls, chainId, contracts, deployedAtBlock } = config.chain;
  const chain = await createChain({
    rpcUrl: rpcUrls,
    chainId,
    contracts,
    deployedAtBlock,
    signer: wallet,
  });
  const content = await createHeliaContent({
    dir: config.dataDir,
    listen: config.content.listen,
    peers: config.content.peers,
    onError: (error) => logger.debug("a peer could not be reached", { reason: messageOf(error) }),
  }).catch((error: unknown) => {
    chain.close();
    throw error;
  });
  try {
    return await runNode({ config, wallet, blsSecret, chain, content, logger });
  } catch (error) {
    await content.close();
    chain.close();
    throw error;
  }
}

interface OpenedNode {
  readonly config: AgentConfig;
  readonly wallet: Wallet;
  readonly blsSecret: Uint8Array | undefined;
  readonly chain: Chain;
  readonly content: HeliaContent;
  readonly logger: Logger;
}

async function runNode({ config, wallet, blsSecret, chain, content, logger }: OpenedNode): Promise<RunningNode> {
  const self = wallet.address as Address;
  const { chainId } = chain;
  let keeper: Replicator | undefined;
  let kept: RunningCatalog | undefined;
  const client = createClient({
    chain,
    content,
    async locate(contentId) {
      const known = keeper?.blockOf(contentId);
      if (known !== undefined) return [known];
      const found = await kept?.catalog.listRecords({ contentId });
      return found?.records.map(({ anchor }) => anchor.blockNumber) ?? [];
    },
  });
  const governor = chain.addresses.NodeGovernor;
  const isMember = async (account: Address) => {
    const epoch = await chain.read(() => chain.contracts.nodes.epoch());
    return chain.read(() => chain.contracts.nodes.isMember(account, epoch));
  };
  const gossip = createGossip({
    pubsub: content.pubsub,
    onError: (error) => logger.warn("a gossip handler failed", { reason: messageOf(error) }),
  });
  const body = await composeHandlers({
    config,
    self,
    client,
    clock: systemClock,
    logger,
    gossip,
    isMember,
    seal: (context, text) => sealEnvelope(wallet, context, text),
    context: (topic) => ({ chainId, governor, topic }),
    submit: async (kind, value) => {
      const record = await agent.outbox.submit(kind, value);
      await agent.outbox.settle();
      return record;
    },
  });
  const expectedPeers = Math.max(1, config.content.peers.length);
  const agent: Agent = await Agent.create({
    config,
    self,
    client,
    clock: systemClock,
    logger,
    machine: createMachineProbe(),
    connectivity: () => (config.content.peers.length === 0 ? 1 : Math.min(1, content.connections() / expectedPeers)),
    body,
    finality: finalityOf(config),
    ...(blsSecret === undefined
      ? {}
      : {
          ballots: {
            gossip,
            bls: await loadBls(),
            blsSecret,
            stragglersMs: config.stragglersMs,
            refusePeer: (peer, milliseconds) => content.refuse(peer, milliseconds),
          },
        }),
  });
  agent.start();
  kept = config.catalog ? await runCatalog({ config, chain, content, logger }) : undefined;
  const { awayMs } = config.content;
  const replicas = { min: AgentDefaults.minReplicas, max: config.content.replicas };
  keeper = new Replicator({
    client,
    content,
    gossip,
    self,
    clock: systemClock,
    logger,
    retention: new ChainRetentionReader({ client, finality: finalityOf(config), replicas }),
    awayMs,
    everyMs: Math.min(AgentDefaults.keepEveryMs, awayMs / 3),
  });
  keeper.start();
  const stopping = new AbortController();
  const turns = new PQueue({ concurrency: 1 });
  const backingUp = runBackups({ config, store: content, clock: systemClock, logger, turns }, stopping.signal);
  const store: Pick<ContentMaintenance, "gc" | "scrub"> = {
    gc: (options) => turns.add(() => content.gc(options)),
    scrub: (options) => content.scrub(options),
  };
  const upkeep = new Maintenance({ ...config.content, store, self, clock: systemClock, logger });
  const keepingUp = upkeep.run(stopping.signal);

  return {
    self,
    content,
    status: async () => ({
      name: config.name,
      operator: self,
      peerId: content.peerId,
      multiaddrs: content.multiaddrs(),
      peers: content.connections(),
      block: await chain.blockNumber(),
      ...agent.status,
      keeping: keeper.state,
      upkeep: upkeep.state,
    }),
    ballots: (proposalId) => agent.ballotsOn(proposalId),
    async takePayload(envelope) {
      const { author, body: text } = openEnvelope({ chainId, governor, topic: PAYLOAD_TOPIC }, envelope);
      if (!(await isMember(author))) throw new NotMemberError(author);
      const bytes = new Uint8Array(Buffer.from(text, "base64"));
      decodePayload(bytes);
      return content.put(bytes, { keep: "payload" });
    },
    catalog: kept?.catalog,
    async stop() {
      stopping.abort();
      await backingUp;
      await keepingUp;
      await keeper.stop();
      await kept?.stop();
      await agent.stop();
      await body.close();
      await content.close();
      chain.close();
    },
  };
}
