import { join } from "node:path";
import type { Client } from "../client/index.js";
import { messageOf } from "../errors.js";
import {
  type ModelTest,
  type NodeView,
  PlanDefaults,
  type PlanPolicy,
  type ReplicaView,
  VoteDefaults,
} from "../policy/index.js";
import type { FinalityRule } from "../ports/chain/index.js";
import type { Address, Model } from "../records/index.js";
import type { Clock } from "../utils/clock.js";
import type { Logger } from "../utils/logger.js";
import type { LocalNode } from "./aggregation/localNode.js";
import { AnchoringExchange } from "./anchoring/exchange.js";
import { AttestationExchange } from "./attestations/exchange.js";
import { BackgroundJobs } from "./backgroundJobs.js";
import { BallotExchange, type BallotExchangeDependencies, type BallotsView } from "./ballots/exchange.js";
import type { AgentConfig } from "./config.js";
import type { DirectiveHandler } from "./handlers/handler.js";
import { createOnChainHandler } from "./handlers/onChain.js";
import { Executor } from "./loop/executor.js";
import { FastLane } from "./loop/fastLane.js";
import { Knowledge } from "./loop/knowledge.js";
import { type LoopStatus, MapekLoop } from "./loop/mapek.js";
import type { MachineProbe } from "./loop/monitor/machine.js";
import { createObserve } from "./loop/monitor/observe.js";
import { Planner } from "./loop/planner.js";
import { Voter } from "./loop/voter.js";
import { openOutbox } from "./outbox/open.js";
import type { Outbox } from "./outbox/outbox.js";
import { OwnBallots, type RecordedBallot } from "./signing/ownBallots.js";

/** Nodes begin their cycles at different times, and offer what they have in the first after the hour has struck. */
const GATHER_CYCLES = 2;

/** What a node can do besides deciding: each part is there where the node was given an engine for it. */
export interface AgentHandlers {
  readonly handlers: readonly DirectiveHandler[];
  readonly workloads: () => Promise<readonly ReplicaView[]>;
  readonly fleets: ReadonlySet<string>;
  readonly tasks: ReadonlySet<string>;
  readonly testModel: (
    candidate: Model,
    accepted: Model | undefined,
    signal: AbortSignal,
  ) => Promise<ModelTest | undefined>;
}

export interface AgentDependencies {
  readonly config: Pick<
    AgentConfig,
    "dataDir" | "cycleMs" | "anchorEveryMs" | "takeoverMs" | "evidenceTimeoutMs" | "learning"
  >;
  readonly self: Address;
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly machine: MachineProbe;
  readonly connectivity: () => number;
  readonly body: AgentHandlers;
  /**
   * How ballots and attestations travel to other nodes and are settled together; without it this node votes and reports
   * by itself.
   */
  readonly ballots?: Pick<BallotExchangeDependencies, "gossip" | "bls" | "stragglersMs" | "refusePeer"> &
    Pick<LocalNode, "blsSecret">;
  /** When an anchor is final; what the chain's `finalized` tag says by default. */
  readonly finality?: FinalityRule | undefined;
  /** What differs from the defaults of planning. */
  readonly policy?: Partial<PlanPolicy>;
}

/** The process beside a node: monitors, analyzes, plans, votes and executes until it is stopped. */
export class Agent {
  readonly #loop: MapekLoop;
  readonly #outbox: Outbox;
  readonly #ballots: OwnBallots;
  readonly #exchange: BallotExchange | undefined;
  readonly #attestations: AttestationExchange | undefined;
  readonly #anchoring: AnchoringExchange | undefined;
  readonly #tasks: BackgroundJobs;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  private constructor(parts: {
    loop: MapekLoop;
    outbox: Outbox;
    ballots: OwnBallots;
    exchange: BallotExchange | undefined;
    attestations: AttestationExchange | undefined;
    anchoring: AnchoringExchange | undefined;
    tasks: BackgroundJobs;
  }) {
    this.#loop = parts.loop;
    this.#outbox = parts.outbox;
    this.#ballots = parts.ballots;
    this.#exchange = parts.exchange;
    this.#attestations = parts.attestations;
    this.#anchoring = parts.anchoring;
    this.#tasks = parts.tasks;
  }

  /** Opens the agent's journals. Nothing runs until {@link start}. */
  static async create(dependencies: AgentDependencies): Promise<Agent> {
    const { body, client, clock, config, connectivity, logger, machine, self } = dependencies;
    const ballots = await OwnBallots.open(join(config.dataDir, "ballots.jsonl"));
    const outbox = await openOutbox({
      path: join(config.dataDir, "outbox.jsonl"),
      client,
      finality: dependencies.finality,
      onError: (error) => logger.warn("the outbox's journal could not be shortened", { reason: messageOf(error) }),
    });
    const tasks = new BackgroundJobs(logger);
    const node = dependencies.ballots && { operator: self, client, blsSecret: dependencies.ballots.blsSecret };
    const shared = dependencies.ballots && { ...dependencies.ballots, clock, jobs: tasks, logger };
    const exchange =
      shared && node && (await BallotExchange.open({ ...shared, dir: join(config.dataDir, "ballots"), nodes: [node] }));
    const path = join(config.dataDir, "attestations.jsonl");
    const attestations =
      shared && node && exchange?.aggregates ? await AttestationExchange.open({ ...shared, path, node }) : undefined;
    const anchoring =
      shared && node && exchange?.aggregates
        ? new AnchoringExchange({ ...shared, node, outbox, gatherMs: GATHER_CYCLES * config.cycleMs })
        : undefined;
    const { fleets, tasks: trained, testModel, workloads } = body;
    const look = async (): Promise<NodeView> => ({ workloads: await workloads(), fleets, tasks: trained });
    const { evidenceTimeoutMs, takeoverMs, cycleMs, anchorEveryMs } = config;
    const handlers = [...body.handlers, createOnChainHandler()];
    const loop = new MapekLoop({
      self,
      client,
      clock,
      outbox,
      logger,
      cycleMs,
      anchorEveryMs,
      policy: { ...PlanDefaults, ...dependencies.policy },
      knowledge: new Knowledge(client, config.learning?.task),
      planner: new Planner({ self, client, clock, tasks, logger }),
      voter: new Voter({
        self,
        client,
        ballots,
        tasks,
        logger,
        exchange,
        policy: VoteDefaults,
        evidenceTimeoutMs,
        look,
        testModel,
      }),
      exchange,
      fastLane: exchange?.aggregates ? new FastLane({ self, client, clock, logger }) : undefined,
      attestations,
      anchoring,
      executor: new Executor({ self, client, outbox, handlers, tasks, logger, takeoverMs, exchange: attestations }),
      observe: createObserve({ clock, machine, connectivity, workloads, ping: () => client.chain.blockNumber() }),
    });
    return new Agent({ loop, outbox, ballots, exchange, attestations, anchoring, tasks });
  }

  get status(): LoopStatus & { readonly waitingRecords: number; readonly unsettledBatches: number } {
    const { waiting, unsettled } = this.#outbox;
    return { ...this.#loop.status, waitingRecords: waiting, unsettledBatches: unsettled };
  }

  /** What this node knows of a vote, the ballots that do not count yet included, and how it decided itself. */
  ballotsOn(proposalId: string): BallotsView & { readonly own: RecordedBallot | null } {
    const { known, equivocations } = this.#exchange?.view(proposalId) ?? { known: [], equivocations: [] };
    return { known, equivocations, own: this.#ballots.get(proposalId) ?? null };
  }

  /** The records that this node makes go through here. */
  get outbox(): Outbox {
    return this.#outbox;
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#anchoring?.start();
    this.#running = this.#loop.run(this.#stopping.signal);
  }

  /** Ends the loop, lets what was begun come to its end, and closes the journals. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#anchoring?.stop();
    await this.#exchange?.close();
    await this.#tasks.settled();
    // What was begun may have had something to attest.
    await this.#attestations?.close();
    await this.#tasks.settled();
    await this.#outbox.close();
    await this.#ballots.close();
  }
}
