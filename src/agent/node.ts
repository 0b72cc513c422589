import { join } from "node:path";
import PQueue from "p-queue";
import type { Catalog } from "../catalog/index.js";
import { createClient } from "../client/index.js";
import { InvalidInputError, messageOf } from "../errors.js";
import { createChain, requireSafeDeployment, verifyDeployment } from "../ports/chain/index.js";
import { openSentTransactions } from "../ports/chain/transactions/openSentTransactions.js";
import { createHeliaContent, type HeliaContent } from "../ports/content/drivers/helia.js";
import { createGossip } from "../ports/gossip/index.js";
import { openEnvelope, sealEnvelope } from "../ports/keys/envelope.js";
import { loadBls, readAccountKey, readBlsKey } from "../ports/keys/index.js";
import { PAYLOAD_TOPIC } from "../ports/keys/payloadTopic.js";
import { type Address, decodePayload } from "../records/index.js";
import { systemClock } from "../utils/clock.js";
import { withReserve } from "../utils/disk/withReserve.js";
import type { Logger } from "../utils/logger.js";
import { Agent } from "./agent.js";
import { BackgroundJobs } from "./backgroundJobs.js";
import { runCatalog } from "./catalog.js";
import { blockOrNull, connectivityOf, logWait, membershipOf } from "./composition/readings.js";
import { StartedParts } from "./composition/startedParts.js";
import { startReplicator } from "./composition/startReplicator.js";
import { type AgentConfig, finalityOf } from "./config.js";
import { AgentDefaults } from "./defaults.js";
import { createDocumentIntake } from "./documents.js";
import { composeHandlers } from "./handlers/compose.js";
import { describeOwnHost } from "./hosts/describe.js";
import { createMachineProbe } from "./loop/monitor/machine.js";
import { openAggregatedStrategies } from "./loop/strategies/aggregated.js";
import { directStrategies } from "./loop/strategies/direct.js";
import type { NodeStrategies } from "./loop/strategies/strategy.js";
import { runBackups } from "./maintenance/backups.js";
import { DiskSpace } from "./maintenance/diskSpace.js";
import { guardContent } from "./maintenance/guardedContent.js";
import { Maintenance } from "./maintenance/maintenance.js";
import { openOutbox } from "./outbox/open.js";
import { createPresence } from "./presence/create.js";
import { hearing } from "./presence/hearing.js";
import { BundleKeeper } from "./replication/bundles/bundleKeeper.js";
import { RecordLocations } from "./replication/recordLocations.js";
import { ChainRetentionReader } from "./replication/retentionReader.js";
import { createSessions, openGuard } from "./signing/create.js";
import { Instructions } from "./signing/instructions.js";
import { OwnBallots } from "./signing/ownBallots.js";
import type { Sessions } from "./signing/sessions/sessions.js";
import type { JournalCare } from "./signing/signingJournal.js";
import { votePolicyOf } from "./voting.js";

/** A running node: its IPFS node, its agent, and what its HTTP server answers. */
export interface RunningNode {
  readonly self: Address;
  readonly content: HeliaContent;
  readonly status: () => Promise<unknown>;
  /** The ballots on a proposal that the node knows of, those that are not on chain yet included. */
  readonly ballots: Agent["ballotsOn"];
  /** Stores and pins the payload in an envelope that a member has signed, and returns its CID. */
  readonly keepPayload: (envelope: Uint8Array) => Promise<string>;
  /** Stores and pins the JSON document in an envelope that a member has signed, and returns its CID. */
  readonly keepDocument: (envelope: Uint8Array) => Promise<string>;
  /** The node's index of chain and content; undefined if the node has no catalog. */
  readonly catalog: Catalog | undefined;
  stop(): Promise<void>;
}

/** An account that is not a member has sent a payload or a document. */
class NotMemberError extends InvalidInputError {
  constructor(author: Address) {
    super(`${author} is not a member, and nodes store payloads and documents for members only.`);
  }
}

/**
 * Starts everything that a node consists of, from its configuration.
 *
 * @throws {KeyError} on a wrong password, {ChainError} if the chain cannot be reached or has another id,
 * {ConfigError} for an unknown task. The parts that had started are stopped first.
 */
export async function startNode(config: AgentConfig, password: string, logger: Logger): Promise<RunningNode> {
  const parts = new StartedParts();
  try {
    return await startParts({ config, password, logger, parts });
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

interface StartPartsParameters {
  readonly config: AgentConfig;
  readonly password: string;
  readonly logger: Logger;
  /** Where each part is added once it has started. */
  readonly parts: StartedParts;
}

async function startParts({ config, password, logger, parts }: StartPartsParameters): Promise<RunningNode> {
  const clock = systemClock;
  const { dataDir } = config;

  // Keys, chain, content.
  const wallet = await readAccountKey(config.keys.agent, password);
  const blsSecret = config.keys.bls === undefined ? undefined : await readBlsKey(config.keys.bls, password);
  const self = wallet.address as Address;
  const { rpcUrls, chainId, contracts, deployedAtBlock, maxFeeGwei } = config.chain;
  const damage: string[] = [];
  const onDamage: NonNullable<JournalCare["onDamage"]> = (error) => {
    damage.push(error.shortMessage);
    logger.error("a journal is damaged", { reason: error.shortMessage });
  };
  // What the disk has room for: files first stop being stored, then records, and what this node signs last.
  const disk = await DiskSpace.open({ ...config.disk, dir: dataDir, clock, logger });
  // Before any journal: the engine's lock keeps a second process out of the data folder, also after a kill -9.
  const store = await withReserve(disk, () => openStore({ config, logger }));
  parts.add(() => store.close());
  const content = guardContent(store, disk);
  const sent = await withReserve(disk, () => openSentTransactions(join(dataDir, "transactions.jsonl"), onDamage));
  parts.add(() => sent.close());
  const sending = { sent, maxFeeGwei, onWait: (reason?: string) => logWait(logger, reason) };
  const chain = await createChain({ rpcUrl: rpcUrls, chainId, contracts, deployedAtBlock, signer: wallet, sending });
  parts.add(() => chain.close());
  requireSafeDeployment(await verifyDeployment(chain.provider, { contracts, deployedAtBlock }));
  const mesh = createGossip({
    pubsub: content.pubsub,
    onError: (error) => logger.warn("a gossip handler failed", { reason: messageOf(error) }),
  });

  // The indices that know in which block a record is anchored, and the client that asks them first.
  const locations = new RecordLocations();
  const client = createClient({ chain, content, locate: (contentId) => locations.locate(contentId) });
  const membership = membershipOf(chain);

  const jobs = new BackgroundJobs(logger, clock, config.cycleMs);
  // Who is there, by probes and by whatever else peers send.
  const { presence, cycle } = createPresence({
    config: config.presence,
    client,
    content,
    gossip: mesh,
    clock,
    jobs,
    logger,
  });
  const gossip = hearing(mesh, (peer) => presence.heard(peer));

  // What may be signed, if the journals are not all that this key has signed, or it runs twice.
  let sessions: Sessions | undefined;
  let signed: () => number = () => 0;
  const guard = await openGuard({ dataDir, self, client, clock, logger, reserve: disk, signed: () => signed() });
  const care: JournalCare = { reserve: disk, onDamage, onCut: (missing) => guard.rolledBack(missing) };
  parts.add(() => sessions?.stop());

  // Journals: the records that this node has written, and how it has voted.
  const outbox = await openOutbox({
    path: join(dataDir, "outbox.jsonl"),
    client,
    finality: finalityOf(config),
    onError: (error) => logger.warn("the outbox goes on after a failure", { reason: messageOf(error) }),
    onDamage,
  });
  parts.add(() => outbox.close());
  const ownBallots = await OwnBallots.open(join(dataDir, "ballots.jsonl"), care);
  parts.add(() => ownBallots.close());

  // What this node can execute, and how it takes part in decisions.
  const capabilities = await composeHandlers({
    ...{ config, self, client, clock, logger, gossip, outbox },
    isMember: membership,
    seal: (context, text) => sealEnvelope(wallet, context, text),
  });
  parts.add(() => capabilities.close());
  const { anchorEveryMs, cycleMs, waitForMoreMs } = config;
  const shared = { self, client, clock, outbox, jobs, logger, anchorEveryMs };
  const refusePeer = (peer: string, milliseconds: number) => content.refuse(peer, milliseconds);
  const strategies: NodeStrategies =
    blsSecret === undefined
      ? directStrategies(shared)
      : await openAggregatedStrategies({
          ...{
            ...shared,
            ...care,
            guard,
            gossip,
            bls: await loadBls(),
            blsSecret,
            waitForMoreMs,
            refusePeer,
            dataDir,
            cycleMs,
          },
        });
  parts.add(() => strategies.close());
  signed = () => ownBallots.size + strategies.signed.journalled;
  sessions = createSessions({
    ...{ self, guard, clock, logger, signed: strategies.signed, signer: wallet, streams: content.streams },
    context: { chainId, governor: chain.addresses.NodeGovernor },
  });
  await sessions.start();

  // The MAPE-K loop.
  const agent = new Agent({
    ...{ config, self, client, clock, logger, capabilities, outbox, ownBallots, jobs, strategies, guard, sessions },
    instructions: new Instructions(dataDir),
    votePolicy: votePolicyOf(config.voting),
    machine: createMachineProbe(),
    presence: cycle,
    disk,
    connectivity: connectivityOf(config, content),
  });
  await presence.start();
  parts.add(() => presence.stop());
  agent.start();
  parts.add(() => agent.stop());

  // The index of all records, and this node's share of them.
  const replicas = { min: AgentDefaults.minReplicas, max: config.content.replicas };
  const retention = new ChainRetentionReader({ client, finality: finalityOf(config), replicas });
  const running = config.catalog ? await runCatalog({ config, chain, content, self, retention, logger }) : undefined;
  if (running !== undefined) parts.add(() => running.stop());
  const replicator = await startReplicator({ config, self, client, content, disk, gossip, retention, logger });
  parts.add(() => replicator.stop());
  const bundles = new BundleKeeper({
    ...{ client, content, self, clock, logger, workloads: capabilities.workloads },
    terms: () => replicator.terms,
    hasRoom: () => disk.allows("file"),
    everyMs: AgentDefaults.holdBundlesEveryMs,
  });
  locations.add(async (contentId) => {
    const block = replicator.blockOf(contentId);
    return block === undefined ? [] : [block];
  });
  locations.add(async (contentId) => {
    const found = await running?.catalog.listRecords({ contentId });
    return found?.records.map(({ anchor }) => anchor.blockNumber) ?? [];
  });

  // Backups, garbage collection, scrubs, and the bundles of releases. No block is deleted while a backup runs.
  const exclusive = new PQueue({ concurrency: 1 });
  const maintenance = new Maintenance({
    ...{ ...config.content, self, clock, logger },
    store: {
      gc: (options) => exclusive.add(() => content.gc(options)),
      scrub: (options) => content.scrub(options),
    },
  });
  const stopping = new AbortController();
  const describing =
    config.host && describeOwnHost({ self, host: config.host, client, clock, logger }, stopping.signal);
  const backingUp = runBackups({ config, store: content, clock, logger, exclusive }, stopping.signal);
  const maintaining = maintenance.run(stopping.signal);
  const holding = bundles.run(stopping.signal);
  parts.add(async () => {
    stopping.abort();
    await Promise.all([backingUp, describing, maintaining, holding]);
  });

  return {
    self,
    content,
    status: async () => ({
      name: config.name,
      agent: self,
      peerId: content.peerId,
      multiaddrs: content.multiaddrs(),
      peers: content.connections(),
      block: await blockOrNull(chain),
      endpoints: chain.endpoints(),
      ...agent.status,
      disk: disk.status,
      damage,
      traffic: capabilities.traffic(),
      rollouts: capabilities.rollouts(),
      presence: presence.status,
      replication: replicator.state,
      maintenance: maintenance.state,
    }),
    ballots: (proposalId) => agent.ballotsOn(proposalId),
    async keepPayload(envelope) {
      const context = { chainId, governor: chain.addresses.NodeGovernor, topic: PAYLOAD_TOPIC };
      const { author, body: text } = openEnvelope(context, envelope);
      if (!(await membership(author))) throw new NotMemberError(author);
      const bytes = new Uint8Array(Buffer.from(text, "base64"));
      decodePayload(bytes);
      disk.require("file");
      return content.put(bytes, { keep: "payload" });
    },
    keepDocument: createDocumentIntake({
      content,
      context: { chainId, governor: chain.addresses.NodeGovernor },
      async requireMember(account) {
        if (!(await membership(account))) throw new NotMemberError(account);
      },
    }),
    catalog: running?.catalog,
    stop: () => parts.stop(),
  };
}

/** The node's blocks, and its connections to peers. */
function openStore({ config, logger }: Pick<StartPartsParameters, "config" | "logger">): Promise<HeliaContent> {
  const { content, dataDir } = config;
  return createHeliaContent({
    dir: dataDir,
    listen: content.listen,
    peers: content.peers,
    onError: (error) => logger.debug("a peer could not be reached", { reason: messageOf(error) }),
    onDamage: ({ shortMessage, details }) =>
      logger.error("the block store was damaged", { reason: shortMessage, details }),
  });
}
