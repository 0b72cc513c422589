import type { Client } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import {
  type Analysis,
  type AnalysisMemory,
  analyze,
  initialMemory,
  type Observation,
  type PlanPolicy,
  plan,
} from "../../policy/index.js";
import type { Clock } from "../../utils/clock.js";
import { FailureLog } from "../../utils/failureLog.js";
import type { Logger } from "../../utils/logger.js";
import { repeat } from "../../utils/timing/repeat.js";
import type { UnopenedProposal } from "../ballots/unopenedProposal.js";
import { type ChainView, readChainView } from "../chainView.js";
import type { PresenceCycle } from "../presence/cycle.js";
import type { Sessions } from "../signing/sessions/sessions.js";
import type { SigningGuard } from "../signing/signingGuard.js";
import type { Attempts } from "./attempts.js";
import type { Executor } from "./executor.js";
import type { Knowledge } from "./knowledge.js";
import type { Planner } from "./planner.js";
import type { Recorder } from "./recording/recorder.js";
import type { NodeStrategies } from "./strategies/strategy.js";
import type { Voter } from "./voter.js";

export interface MapekLoopDependencies {
  readonly client: Pick<Client, "chain" | "listDirectives" | "listNodes" | "listProposals">;
  readonly clock: Clock;
  readonly observe: (cycle: number) => Promise<Observation>;
  readonly recorder: Pick<Recorder, "record">;
  readonly knowledge: Pick<Knowledge, "read">;
  readonly attempts: Pick<Attempts, "due">;
  readonly planner: Pick<Planner, "advance" | "open">;
  readonly voter: Pick<Voter, "tick">;
  readonly executor: Pick<Executor, "tick">;
  readonly strategies: Pick<NodeStrategies, "anchoring" | "attestations" | "ballots" | "opening">;
  /** The words of sessions; undefined if this node neither says nor hears any. */
  readonly sessions?: Pick<Sessions, "update"> | undefined;
  readonly guard?: Pick<SigningGuard, "state"> | undefined;
  /** Which seats to suspend, if this node watches who is there. */
  readonly presence?: Pick<PresenceCycle, "update"> | undefined;
  readonly policy: PlanPolicy;
  /** From the start of one cycle to the start of the next, in milliseconds. */
  readonly cycleMs: number;
  readonly logger: Logger;
}

/** The loop after its last cycle, as `/status` shows it. */
export interface LoopStatus {
  readonly cycle: number;
  readonly analysis: Analysis | undefined;
  readonly lastError: string | undefined;
}

/** Monitor, analyze, plan, execute over shared knowledge: one cycle after another until the signal aborts. */
export class MapekLoop {
  readonly #dependencies: MapekLoopDependencies;
  readonly #failures: FailureLog;
  readonly #recording: FailureLog;
  readonly #anchoring: FailureLog;
  #memory: AnalysisMemory = initialMemory();
  #status: LoopStatus = { cycle: 0, analysis: undefined, lastError: undefined };
  /** Why a step of this cycle failed that the others do without; undefined if none did. */
  #failure: string | undefined;

  constructor(dependencies: MapekLoopDependencies) {
    this.#dependencies = dependencies;
    const { logger } = dependencies;
    this.#failures = new FailureLog(logger, "a cycle failed", "cycles succeed again");
    this.#recording = new FailureLog(logger, "a cycle could not be recorded", "cycles are recorded again");
    this.#anchoring = new FailureLog(logger, "joint anchors could not be followed", "joint anchors are followed again");
  }

  get status(): LoopStatus {
    return this.#status;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, cycleMs } = this.#dependencies;
    let cycle = -1;
    await repeat({
      clock,
      everyMs: (tookMs) => cycleMs - tookMs,
      signal,
      onError: (error) => {
        this.#status = { ...this.#status, cycle, lastError: messageOf(error) };
        this.#failures.failed(error, { cycle });
      },
      work: async () => {
        cycle += 1;
        const analysis = await this.cycle(cycle, signal);
        this.#status = { cycle, analysis, lastError: this.#failure };
        this.#failures.succeeded();
      },
    });
  }

  /** One cycle. All its parts decide on one snapshot of the chain; what fails is tried again in the next cycle. */
  async cycle(cycle: number, signal: AbortSignal): Promise<Analysis> {
    const { attempts, client, executor, guard, knowledge, observe, planner } = this.#dependencies;
    const { policy, presence, recorder, sessions, strategies, voter } = this.#dependencies;
    const { anchoring, attestations, ballots, opening } = strategies;
    this.#failure = undefined;
    const observation = await observe(cycle);
    const { memory, analysis } = analyze(this.#memory, observation);
    this.#memory = memory;
    // The other copy of this node acts as well: this one only listens.
    if (guard?.state === "stopped") {
      await sessions?.update(await readChainView(client));
      return analysis;
    }
    // A disk that is full stops records, and no vote: each step goes on without those that it does not need.
    const recorded = this.#attempt(this.#recording, () => recorder.record(cycle, analysis, ballots.incidents()));
    const incidents = (await recorded) ?? [];

    const view = await readChainView(client);
    await sessions?.update(view);
    await ballots.update(view, this.#unopened(view));
    voter.tick(view.proposals, signal);
    planner.advance(view);
    await attestations.update(view);
    await this.#attempt(this.#anchoring, () => anchoring.update(view));
    executor.tick(view, signal);
    const shared = await knowledge.read(view, observation);
    const toSuspend = await presence?.update(view);
    const plans = plan({ analysis, incidents, shared, policy, toSuspend });
    const planned = await attempts.due(plans, view.proposals, view.committees.suspended.newestSuspension);
    planner.open(await opening.route(planned, view), view);
    const unopened = this.#unopened(view);
    if (unopened.length > 0) {
      await ballots.update(view, unopened);
      voter.tick(unopened, signal);
    }
    return analysis;
  }

  /** Undefined if the work fails, which the next cycle tries again. */
  async #attempt<T>(failures: FailureLog, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      failures.succeeded();
      return result;
    } catch (error) {
      failures.failed(error);
      this.#failure = messageOf(error);
      return undefined;
    }
  }

  /** The unopened proposals that nodes vote on, without those that the snapshot shows as opened. */
  #unopened({ proposals }: ChainView): readonly UnopenedProposal[] {
    const opened = new Set(proposals.map(({ id }) => id));
    return this.#dependencies.strategies.opening.unopened.filter(({ id }) => !opened.has(id));
  }
}
