import { join } from "node:path";
import type { LocalNode } from "../../src/agent/aggregation/localNode.js";
import { BackgroundJobs } from "../../src/agent/backgroundJobs.js";
import { BallotExchange } from "../../src/agent/ballots/exchange.js";
import { readChainView } from "../../src/agent/chainView.js";
import { AggregatedBallots } from "../../src/agent/loop/strategies/aggregated.js";
import { Voter } from "../../src/agent/loop/voter.js";
import { OwnBallots } from "../../src/agent/signing/ownBallots.js";
import { type Client, createClient, type OpenProposalReturnType, type ProposalId } from "../../src/client/index.js";
import { messageOf } from "../../src/errors.js";
import { VoteDefaults } from "../../src/policy/index.js";
import { createChain, type Deployment } from "../../src/ports/chain/index.js";
import { createHeliaContent, type HeliaContent } from "../../src/ports/content/drivers/helia.js";
import { createGossip, type Gossip } from "../../src/ports/gossip/index.js";
import { accountOf, loadBls } from "../../src/ports/keys/index.js";
import type { Address, Hex } from "../../src/records/index.js";
import { systemClock } from "../../src/utils/clock.js";
import type { Logger } from "../../src/utils/logger.js";
import { repeat } from "../../src/utils/timing/repeat.js";
import type { AttackParameters } from "./hostile.js";

const EVIDENCE_TIMEOUT_MS = 8_000;
/** Half a block's time on the chains that rehearsals run on. */
const CYCLE_MS = 500;

/** The secrets of a rehearsing node, made for the rehearsal alone. */
export interface NodeKeys {
  readonly account: Hex;
  readonly bls: Hex;
}

export interface RehearsalHostParameters {
  readonly dir: string;
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  /** Multiaddrs of hosts that run already. */
  readonly peers: readonly string[];
  readonly keys: readonly NodeKeys[];
  readonly waitForMoreMs: number;
  /** Whether the host's nodes listen and do not vote. */
  readonly silent?: boolean;
  readonly logger: Logger;
}

/** One of the host's voting nodes. */
interface RehearsingNode {
  readonly node: LocalNode;
  readonly voter: Voter;
  readonly jobs: BackgroundJobs;
  readonly ownBallots: OwnBallots;
}

/**
 * Many voting nodes in one process: each with its own account, BLS key, journal and decisions; they share the
 * process's libp2p host, its store of content, its reading of the chain and its pool of ballots.
 */
export class RehearsalHost {
  readonly #parameters: RehearsalHostParameters;
  readonly #content: HeliaContent;
  readonly #reader: Client;
  readonly #nodes: readonly RehearsingNode[];
  readonly #exchange: BallotExchange;
  readonly #jobs: BackgroundJobs;
  readonly #stopping = new AbortController();
  /** The gossip of this host, over which hostile nodes send. */
  readonly gossip: Gossip;
  #running: Promise<void> = Promise.resolve();

  private constructor(
    parameters: RehearsalHostParameters,
    parts: {
      content: HeliaContent;
      reader: Client;
      nodes: readonly RehearsingNode[];
      exchange: BallotExchange;
      jobs: BackgroundJobs;
      gossip: Gossip;
    },
  ) {
    this.#parameters = parameters;
    this.#content = parts.content;
    this.#reader = parts.reader;
    this.#nodes = parts.nodes;
    this.#exchange = parts.exchange;
    this.#jobs = parts.jobs;
    this.gossip = parts.gossip;
  }

  static async start(parameters: RehearsalHostParameters): Promise<RehearsalHost> {
    const { deployment, dir, keys, logger, peers, rpcUrl, waitForMoreMs } = parameters;
    const chain = await createChain({ rpcUrl, ...deployment, pollMs: 100, timeoutMs: 60_000 });
    const content = await createHeliaContent({ dir, peers: [...peers], listen: ["/ip4/127.0.0.1/tcp/0"] });
    const reader = createClient({ chain, content });
    const gossip = createGossip({
      pubsub: content.pubsub,
      onError: (error) => logger.warn("a gossip handler failed", { reason: messageOf(error) }),
    });
    const bls = await loadBls();
    const jobs = new BackgroundJobs(logger);
    const localNodes = await Promise.all(
      keys.map(async (each): Promise<LocalNode> => {
        const wallet = accountOf(each.account);
        const client = createClient({ chain: await chain.as(wallet), content });
        return { account: wallet.address as Address, client, blsSecret: Buffer.from(each.bls.slice(2), "hex") };
      }),
    );
    const exchange = await BallotExchange.open({
      dir: join(dir, "ballots"),
      nodes: localNodes,
      gossip,
      bls,
      clock: systemClock,
      jobs,
      logger,
      waitForMoreMs,
      refusePeer: (peer, milliseconds) => content.refuse(peer, milliseconds),
    });
    const nodes = await Promise.all(
      localNodes.map(async (node): Promise<RehearsingNode> => {
        const ownBallots = await OwnBallots.open(join(dir, "nodes", `${node.account}.jsonl`));
        // One set of jobs per node: a job's key is the proposal alone.
        const jobs = new BackgroundJobs(logger);
        const voter = new Voter({
          client: reader,
          ownBallots,
          ballots: new AggregatedBallots(exchange, node.account),
          jobs,
          logger,
          policy: VoteDefaults,
          evidenceTimeoutMs: EVIDENCE_TIMEOUT_MS,
          readNodeView: async () => ({ replicas: [], workloads: new Set(), tasks: new Set() }),
          testModel: async () => undefined,
        });
        return { node, voter, jobs, ownBallots };
      }),
    );
    const host = new RehearsalHost(parameters, { content, reader, nodes, exchange, jobs, gossip });
    host.#running = host.#run();
    return host;
  }

  get multiaddrs(): readonly string[] {
    return this.#content.multiaddrs();
  }

  get peers(): number {
    return this.#content.connections();
  }

  get nodes(): readonly LocalNode[] {
    return this.#nodes.map(({ node }) => node);
  }

  /** How many ballots from gossip were accepted or refused, and how many products of pairings verifying them took. */
  get counts(): BallotExchange["counts"] {
    return this.#exchange.counts;
  }

  /** Opens a proposal to set a flag, as the first of this host's nodes. */
  async open(flag: string): Promise<OpenProposalReturnType> {
    const [first] = this.#nodes;
    if (first === undefined) throw new RangeError("a host without nodes cannot open a proposal");
    return first.node.client.openProposal({ order: { kind: "SetFlag", name: flag, value: true } });
  }

  /** The keys and addresses that this host's hostile nodes attack with. */
  async attackTargets(proposalId: ProposalId): Promise<Omit<AttackParameters, "bls">> {
    return {
      nodes: this.nodes,
      gossip: this.gossip,
      topic: this.#exchange.topic,
      proposal: await this.#reader.getProposal({ proposalId }),
      committee: await this.#reader.listNodes(),
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#exchange.close();
    await this.#jobs.settled();
    await Promise.all(
      this.#nodes.map(async ({ jobs, ownBallots }) => {
        await jobs.settled();
        await ownBallots.close();
      }),
    );
    await this.#content.close();
    this.#reader.chain.close();
  }

  async #run(): Promise<void> {
    const { logger } = this.#parameters;
    await repeat({
      clock: systemClock,
      everyMs: CYCLE_MS,
      signal: this.#stopping.signal,
      onError: (error) => logger.warn("the chain could not be read", { reason: messageOf(error) }),
      work: () => this.#cycle(),
    });
  }

  async #cycle(): Promise<void> {
    if (this.#parameters.silent) return;
    const view = await readChainView(this.#reader);
    await this.#exchange.update(view, []);
    for (const { voter } of this.#nodes) voter.tick(view.proposals, this.#stopping.signal);
  }
}
