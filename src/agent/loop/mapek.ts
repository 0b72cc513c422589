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
import type { Logger } from "../../utils/logger.js";
import { repeat } from "../../utils/timing/repeat.js";
import type { UnopenedProposal } from "../ballots/unopenedProposal.js";
import { type ChainView, readChainView } from "../chainView.js";
import type { PresenceCycle } from "../presence/cycle.js";
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
  #memory: AnalysisMemory = initialMemory();
  #status: LoopStatus = { cycle: 0, analysis: undefined, lastError: undefined };

  constructor(dependencies: MapekLoopDependencies) {
    this.#dependencies = dependencies;
  }

  get status(): LoopStatus {
    return this.#status;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, cycleMs, logger } = this.#dependencies;
    let cycle = -1;
    await repeat({
      clock,
      everyMs: (tookMs) => cycleMs - tookMs,
      signal,
      onError: (error) => {
        this.#status = { ...this.#status, cycle, lastError: messageOf(error) };
        logger.warn("a cycle failed", { cycle, reason: messageOf(error) });
      },
      work: async () => {
        cycle += 1;
        this.#status = { cycle, analysis: await this.cycle(cycle, signal), lastError: undefined };
      },
    });
  }

  /** One cycle. All its parts decide on one snapshot of the chain; what fails is tried again in the next cycle. */
  async cycle(cycle: number, signal: AbortSignal): Promise<Analysis> {
    const { attempts, client, executor, knowledge, observe, planner, policy, presence, recorder, strategies, voter } =
      this.#dependencies;
    const { anchoring, attestations, ballots, opening } = strategies;
    const observation = await observe(cycle);
    const { memory, analysis } = analyze(this.#memory, observation);
    this.#memory = memory;
    const incidents = await recorder.record(cycle, analysis, ballots.incidents());

    const view = await readChainView(client);
    await ballots.update(view, this.#unopened(view));
    voter.tick(view.proposals, signal);
    planner.advance(view);
    await attestations.update(view);
    await anchoring.update(view);
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

  /** The unopened proposals that nodes vote on, without those that the snapshot shows as opened. */
  #unopened({ proposals }: ChainView): readonly UnopenedProposal[] {
    const opened = new Set(proposals.map(({ id }) => id));
    return this.#dependencies.strategies.opening.unopened.filter(({ id }) => !opened.has(id));
  }
}
