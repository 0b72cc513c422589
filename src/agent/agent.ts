import type { Client } from "../client/index.js";
import { messageOf } from "../errors.js";
import { type NodeView, PlanDefaults, type PlanPolicy, VoteDefaults, type VotePolicy } from "../policy/index.js";
import type { Chain } from "../ports/chain/index.js";
import type { Address } from "../records/index.js";
import type { Clock } from "../utils/clock.js";
import type { Logger } from "../utils/logger.js";
import type { BackgroundJobs, FailingJob } from "./backgroundJobs.js";
import type { BallotsView } from "./ballots/exchange.js";
import type { AgentConfig } from "./config.js";
import type { NodeCapabilities } from "./handlers/compose.js";
import { Attempts } from "./loop/attempts.js";
import { Executor } from "./loop/executor.js";
import { Knowledge } from "./loop/knowledge.js";
import { type LoopStatus, MapekLoop } from "./loop/mapek.js";
import type { MachineProbe } from "./loop/monitor/machine.js";
import { createObserve } from "./loop/monitor/observe.js";
import { Planner } from "./loop/planner.js";
import { IncidentTurns } from "./loop/recording/incidentTurns.js";
import { Recorder } from "./loop/recording/recorder.js";
import type { NodeStrategies } from "./loop/strategies/strategy.js";
import { Voter } from "./loop/voter.js";
import type { DiskSpace } from "./maintenance/diskSpace.js";
import type { Outbox } from "./outbox/outbox.js";
import type { PresenceCycle } from "./presence/cycle.js";
import type { Instructions } from "./signing/instructions.js";
import type { OwnBallots, RecordedBallot } from "./signing/ownBallots.js";
import type { Sessions } from "./signing/sessions/sessions.js";
import type { SigningGuard, SigningStatus } from "./signing/signingGuard.js";

export interface AgentDependencies {
  readonly config: Pick<AgentConfig, "cycleMs" | "takeoverMs" | "evidenceTimeoutMs" | "learning">;
  readonly self: Address;
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly machine: MachineProbe;
  /** The share of the expected peers that are connected, 0 to 1. */
  readonly connectivity: () => number;
  readonly capabilities: NodeCapabilities;
  readonly outbox: Outbox;
  readonly ownBallots: OwnBallots;
  readonly jobs: BackgroundJobs;
  readonly strategies: NodeStrategies;
  /** Says what may be signed after a restore, and while the key runs twice; undefined if the journals alone say it. */
  readonly guard?: SigningGuard | undefined;
  /** The words of sessions, by which the guard knows of other copies. */
  readonly sessions?: Pick<Sessions, "update"> | undefined;
  /** What this node's operator has said about single proposals. */
  readonly instructions?: Pick<Instructions, "read"> | undefined;
  /** What the agent votes for by itself: {@link VoteDefaults} by default. */
  readonly votePolicy?: VotePolicy | undefined;
  /** Which seats are silent to this node; undefined if it watches none. */
  readonly presence?: Pick<PresenceCycle, "silent" | "update"> | undefined;
  /** The disk of this node's data; undefined if it is not watched. */
  readonly disk?: Pick<DiskSpace, "state" | "update"> | undefined;
  /** Overrides of {@link PlanDefaults}. */
  readonly policy?: Partial<PlanPolicy>;
}

/** What an agent does, and what it waits for. */
export interface AgentStatus extends LoopStatus {
  readonly waitingRecords: number;
  readonly unsettledBatches: number;
  /** What its transactions wait for. */
  readonly sending: Chain["sending"];
  /** The jobs that failed when they last ran, and why. */
  readonly failing: readonly FailingJob[];
  /** Null if nothing but the journals says what may be signed. */
  readonly signing: SigningStatus | null;
}

/** The process beside a node: monitors, analyzes, plans, votes and executes until it is stopped. */
export class Agent {
  readonly #dependencies: AgentDependencies;
  readonly #loop: MapekLoop;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  /** Nothing runs until {@link start}. */
  constructor(dependencies: AgentDependencies) {
    const { capabilities, client, clock, config, jobs, logger, machine, outbox, self, strategies } = dependencies;
    const { handlers, listReleases, listReplicas, tasks, testModel, workloads } = capabilities;
    const { cycleMs, evidenceTimeoutMs, takeoverMs } = config;
    const { anchoring, attestations, ballots } = strategies;
    const votePolicy = dependencies.votePolicy ?? VoteDefaults;
    const readNodeView = async (): Promise<NodeView> => {
      const [replicas, releases] = await Promise.all([listReplicas(), listReleases?.() ?? new Map()]);
      const silent = dependencies.presence === undefined ? {} : { silent: new Set(dependencies.presence.silent()) };
      return { replicas, releases, workloads, tasks, ...silent };
    };
    this.#dependencies = dependencies;
    this.#loop = new MapekLoop({
      client,
      clock,
      observe: createObserve({
        clock,
        machine,
        connectivity: dependencies.connectivity,
        listReplicas,
        disk: dependencies.disk,
        onError: (error) => logger.warn("the replicas cannot be listed", { reason: messageOf(error) }),
        ping: () => client.chain.blockNumber(),
      }),
      recorder: new Recorder({
        ...{ self, clock, outbox, anchoring, jobs, logger },
        turns: new IncidentTurns({ self, clock, client, takeoverMs, hosts: votePolicy.hosts }),
      }),
      knowledge: new Knowledge(client, config.learning?.task),
      attempts: new Attempts({ client, clock, logger }),
      planner: new Planner({ self, client, clock, jobs, logger }),
      voter: new Voter({
        client,
        ownBallots: dependencies.ownBallots,
        ballots,
        guard: dependencies.guard,
        jobs,
        logger,
        policy: votePolicy,
        instructions: dependencies.instructions,
        evidenceTimeoutMs,
        readNodeView,
        fleet: capabilities.fleet,
        testModel,
      }),
      executor: new Executor({
        ...{ self, client, outbox, handlers, attestations, jobs, logger, takeoverMs },
        guard: dependencies.guard,
      }),
      strategies,
      sessions: dependencies.sessions,
      guard: dependencies.guard,
      presence: dependencies.presence,
      policy: { ...PlanDefaults, ...dependencies.policy },
      cycleMs,
      logger,
    });
  }

  get status(): AgentStatus {
    const { client, guard, jobs, outbox } = this.#dependencies;
    const { unsettled, waiting } = outbox;
    const { sending } = client.chain;
    return {
      ...this.#loop.status,
      waitingRecords: waiting,
      unsettledBatches: unsettled,
      sending,
      failing: jobs.failing,
      signing: guard?.status ?? null,
    };
  }

  /** The ballots on a proposal that this node knows of, those that are not on chain yet included, and its own. */
  ballotsOn(proposalId: string): BallotsView & { readonly own: RecordedBallot | null } {
    const { ownBallots, strategies } = this.#dependencies;
    const { known, equivocations } = strategies.ballots.ballotsOn(proposalId);
    return { known, equivocations, own: ownBallots.get(proposalId) ?? null };
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#dependencies.strategies.start();
    this.#running = this.#loop.run(this.#stopping.signal);
  }

  /** Ends the loop. Jobs that it has started go on until the strategies close. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }
}
