import { join } from "node:path";
import { Committees } from "../../src/agent/aggregation/committees.js";
import type { LocalNode } from "../../src/agent/aggregation/localNode.js";
import { BackgroundJobs } from "../../src/agent/backgroundJobs.js";
import { BallotExchange } from "../../src/agent/ballots/exchange.js";
import { Voter } from "../../src/agent/loop/voter.js";
import { OwnBallots } from "../../src/agent/signing/ownBallots.js";
import {
  type Client,
  createClient,
  type OpenProposalReturnType,
  type Proposal,
  type ProposalId,
} from "../../src/client/index.js";
import { messageOf } from "../../src/errors.js";
import { VoteDefaults } from "../../src/policy/index.js";
import { createChain, type Deployment } from "../../src/ports/chain/index.js";
import { createHeliaContent, type HeliaContent } from "../../src/ports/content/drivers/helia.js";
import { createGossip, type Gossip } from "../../src/ports/gossip/index.js";
import { loadBls, operatorOf } from "../../src/ports/keys/index.js";
import type { Address, Hex } from "../../src/records/index.js";
import { systemClock } from "../../src/utils/clock.js";
import type { Logger } from "../../src/utils/logger.js";
import type { HostileParameters } from "./hostile.js";

const EVIDENCE_TIMEOUT_MS = 8_000;
/** All that are open. */
const MAX_PROPOSALS = 100_000;
/** One block a second at most on the chains that rehearsals run on: looking twice as often misses none for long. */
const LOOK_EVERY_MS = 500;

/** The secrets of a rehearsing node: made for the rehearsal, worth nothing after it. */
export interface CouncilKeys {
  readonly operator: Hex;
  readonly bls: Hex;
}

export interface CouncilHostParameters {
  readonly dir: string;
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  /** Multiaddrs of hosts that run already. */
  readonly peers: readonly string[];
  readonly keys: readonly CouncilKeys[];
  readonly stragglersMs: number;
  /** Whether its nodes listen and do not vote. */
  readonly silent?: boolean;
  readonly logger: Logger;
}

interface Seat {
  readonly node: LocalNode;
  readonly voter: Voter;
  readonly tasks: BackgroundJobs;
  readonly box: OwnBallots;
}

/**
 * Many voting nodes in one process: each with its own operator key, BLS key, journal and decisions; they share the
 * process's libp2p host, its store of content, its reading of the chain and its pool of ballots.
 */
export class CouncilHost {
  readonly #parameters: CouncilHostParameters;
  readonly #content: HeliaContent;
  readonly #reader: Client;
  readonly #seats: readonly Seat[];
  readonly #exchange: BallotExchange;
  readonly #tasks: BackgroundJobs;
  readonly #stopping = new AbortController();
  /** For whoever wants to say more than this host does. */
  readonly gossip: Gossip;
  #running: Promise<void> = Promise.resolve();

  private constructor(
    parameters: CouncilHostParameters,
    parts: {
      content: HeliaContent;
      reader: Client;
      seats: readonly Seat[];
      exchange: BallotExchange;
      tasks: BackgroundJobs;
      gossip: Gossip;
    },
  ) {
    this.#parameters = parameters;
    this.#content = parts.content;
    this.#reader = parts.reader;
    this.#seats = parts.seats;
    this.#exchange = parts.exchange;
    this.#tasks = parts.tasks;
    this.gossip = parts.gossip;
  }

  static async start(parameters: CouncilHostParameters): Promise<CouncilHost> {
    const { deployment, dir, keys, logger, peers, rpcUrl, stragglersMs } = parameters;
    const chain = await createChain({ rpcUrl, ...deployment, pollMs: 100, timeoutMs: 60_000 });
    const content = await createHeliaContent({ dir, peers: [...peers], listen: ["/ip4/127.0.0.1/tcp/0"] });
    const reader = createClient({ chain, content });
    const gossip = createGossip({
      pubsub: content.pubsub,
      onError: (error) => logger.warn("a gossip handler failed", { reason: messageOf(error) }),
    });
    const bls = await loadBls();
    const tasks = new BackgroundJobs(logger);
    const nodes = await Promise.all(
      keys.map(async (each): Promise<LocalNode> => {
        const wallet = operatorOf(each.operator);
        const client = createClient({ chain: await chain.as(wallet), content });
        return { operator: wallet.address as Address, client, blsSecret: Buffer.from(each.bls.slice(2), "hex") };
      }),
    );
    const exchange = await BallotExchange.open({
      dir: join(dir, "ballots"),
      nodes,
      gossip,
      bls,
      clock: systemClock,
      jobs: tasks,
      logger,
      stragglersMs,
      refusePeer: (peer, milliseconds) => content.refuse(peer, milliseconds),
    });
    const seats = await Promise.all(
      nodes.map(async (node): Promise<Seat> => {
        const box = await OwnBallots.open(join(dir, "seats", `${node.operator}.jsonl`));
        // Of its own: a task is known by its proposal.
        const tasks = new BackgroundJobs(logger);
        const voter = new Voter({
          self: node.operator,
          client: reader,
          ballots: box,
          exchange,
          tasks,
          logger,
          policy: VoteDefaults,
          evidenceTimeoutMs: EVIDENCE_TIMEOUT_MS,
          look: async () => ({ workloads: [], fleets: new Set(), tasks: new Set() }),
          testModel: async () => undefined,
        });
        return { node, voter, tasks, box };
      }),
    );
    const host = new CouncilHost(parameters, { content, reader, seats, exchange, tasks, gossip });
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
    return this.#seats.map(({ node }) => node);
  }

  /** What became of the ballots that came over gossip, and the products of pairings that verifying them took. */
  get counts(): BallotExchange["counts"] {
    return this.#exchange.counts;
  }

  /** Opens a proposal to set a flag, as the first of this host's nodes. */
  async open(flag: string): Promise<OpenProposalReturnType> {
    const [first] = this.#seats;
    if (first === undefined) throw new RangeError("a host without nodes opens no proposal");
    return first.node.client.openProposal({ order: { kind: "SetFlag", name: flag, value: true } });
  }

  /** What hostile nodes of this host need to know. */
  async battlefield(proposalId: ProposalId): Promise<Omit<HostileParameters, "bls">> {
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
    await this.#tasks.settled();
    await Promise.all(
      this.#seats.map(async ({ box, tasks }) => {
        await tasks.settled();
        await box.close();
      }),
    );
    await this.#content.close();
    this.#reader.chain.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        this.#parameters.logger.warn("the chain could not be looked at", { reason: messageOf(error) });
      }
      await systemClock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const [proposals, nodes, chainTime]: [readonly Proposal[], Awaited<ReturnType<Client["listNodes"]>>, number] =
      await Promise.all([
        this.#reader.listProposals({ states: ["Pending", "Active"], limit: MAX_PROPOSALS }),
        this.#reader.listNodes({ includeRemoved: true }),
        this.#reader.chain.now(),
      ]);
    if (this.#parameters.silent) return;
    await this.#exchange.update({ proposals, directives: [], nodes, committees: new Committees(nodes), chainTime }, []);
    for (const { voter } of this.#seats) voter.tick(proposals, this.#stopping.signal);
  }
}
