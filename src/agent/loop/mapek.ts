import type { Client, Proposal } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import {
  type Analysis,
  type AnalysisMemory,
  analyze,
  initialMemory,
  type KnownIncident,
  type Observation,
  type PlanPolicy,
  plan,
} from "../../policy/index.js";
import type { Address, ContentId, State } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import type { AnchoringExchange } from "../anchoring/exchange.js";
import type { AttestationExchange } from "../attestations/exchange.js";
import type { BallotExchange } from "../ballots/exchange.js";
import type { UnopenedProposal } from "../ballots/unopenedProposal.js";
import { readChainView } from "../chainView.js";
import type { Outbox } from "../outbox/outbox.js";
import type { Executor } from "./executor.js";
import type { FastLane } from "./fastLane.js";
import type { Knowledge } from "./knowledge.js";
import type { Planner } from "./planner.js";
import type { Voter } from "./voter.js";

export interface LoopDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly knowledge: Knowledge;
  readonly planner: Planner;
  readonly voter: Voter;
  /** Present where ballots can decide what nobody has opened. */
  readonly fastLane?: FastLane | undefined;
  readonly exchange?: Pick<BallotExchange, "update" | "incidents"> | undefined;
  /** Present where outcomes are attested together. */
  readonly attestations?: Pick<AttestationExchange, "update"> | undefined;
  /** Present where nodes can have their records anchored together. */
  readonly anchoring?: Pick<AnchoringExchange, "isOpen" | "update" | "offer"> | undefined;
  readonly executor: Executor;
  readonly logger: Logger;
  readonly policy: PlanPolicy;
  readonly cycleMs: number;
  readonly anchorEveryMs: number;
  readonly observe: (cycle: number, signal: AbortSignal) => Promise<Observation>;
}

/** What the loop knows at the end of a cycle, for people who ask. */
export interface LoopStatus {
  readonly cycle: number;
  readonly analysis: Analysis | undefined;
  readonly lastError: string | undefined;
}

/** Monitor, analyze, plan, execute over shared knowledge: one cycle after another until the signal aborts. */
export class MapekLoop {
  readonly #dependencies: LoopDependencies;
  #memory: AnalysisMemory = initialMemory();
  #previous: { readonly contentId: ContentId; readonly state: State } | undefined;
  #anchoredAt = Number.NEGATIVE_INFINITY;
  #status: LoopStatus = { cycle: 0, analysis: undefined, lastError: undefined };

  constructor(dependencies: LoopDependencies) {
    this.#dependencies = dependencies;
  }

  get status(): LoopStatus {
    return this.#status;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, cycleMs, logger } = this.#dependencies;
    for (let cycle = 0; !signal.aborted; cycle++) {
      const started = clock.now();
      try {
        const analysis = await this.cycle(cycle, signal);
        this.#status = { cycle, analysis, lastError: undefined };
      } catch (error) {
        if (signal.aborted) return;
        this.#status = { ...this.#status, cycle, lastError: messageOf(error) };
        logger.warn("a cycle failed", { cycle, reason: messageOf(error) });
      }
      try {
        await clock.sleep(Math.max(0, started + cycleMs - clock.now()), signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  /** One cycle. What fails in it is tried again in the next. */
  async cycle(cycle: number, signal: AbortSignal): Promise<Analysis> {
    const {
      anchoring,
      attestations,
      client,
      exchange,
      executor,
      fastLane,
      knowledge,
      observe,
      planner,
      policy,
      voter,
    } = this.#dependencies;
    const observation = await observe(cycle, signal);
    const { memory, analysis } = analyze(this.#memory, observation);
    this.#memory = memory;
    const incidents = await this.#remember(cycle, analysis);

    const view = await readChainView(client);
    const { chainTime, directives, nodes, proposals } = view;
    const committee = nodes.filter(({ active }) => active).map(({ operator }) => operator);
    await exchange?.update(view, this.#motionsBeside(proposals));
    voter.tick(proposals, signal);
    planner.moveOn(proposals, committee, chainTime);
    await attestations?.update(view);
    await anchoring?.update(view);
    executor.tick(directives, committee, chainTime, signal);
    const shared = await knowledge.shared(proposals, directives, observation);
    const planned = plan({ analysis, incidents, shared, policy });
    planner.open((await fastLane?.take(planned, nodes, chainTime)) ?? planned, committee);
    const motions = this.#motionsBeside(proposals);
    if (motions.length > 0) {
      await exchange?.update(view, motions);
      voter.tick(motions, signal);
    }
    return analysis;
  }

  #motionsBeside(proposals: readonly Proposal[]): readonly UnopenedProposal[] {
    const open = new Set(proposals.map(({ id }) => id));
    return this.#dependencies.fastLane?.motions.filter(({ id }) => !open.has(id)) ?? [];
  }

  /** Writes down what the cycle found and anchors it: at once when it is urgent, else now and then. */
  async #remember(cycle: number, analysis: Analysis): Promise<KnownIncident[]> {
    const { anchoring, clock, exchange, outbox } = this.#dependencies;
    const incidents: KnownIncident[] = [];
    for (const incident of [...analysis.incidents, ...(exchange?.incidents() ?? [])]) {
      const { contentId } = await outbox.submit("Incident", incident);
      incidents.push({ contentId, incident });
    }
    const due = this.#isDue();
    const last = this.#previous?.state;
    if (due || last?.state !== analysis.state || last.health !== analysis.health)
      await this.#writeState(cycle, analysis);
    const urgent = incidents.some(({ contentId }) => outbox.anchorOf(contentId) === undefined);
    if (outbox.waiting > 0 && (due || urgent)) {
      // Whoever votes needs evidence at once; states have time to go with those of others.
      if (anchoring?.isOpen && !urgent) await anchoring.offer();
      else await outbox.settle();
      this.#anchoredAt = clock.now();
    }
    if (due) await this.#review();
    return incidents;
  }

  /** Every so often; at the same time as the others, where the nodes anchor together. */
  #isDue(): boolean {
    const { anchorEveryMs, anchoring, clock } = this.#dependencies;
    const now = clock.now();
    if (!anchoring?.isOpen) return now - this.#anchoredAt >= anchorEveryMs;
    return Math.floor(now / anchorEveryMs) > Math.floor(this.#anchoredAt / anchorEveryMs);
  }

  /** Anchors that a reorganisation took back are sent again; what cannot be looked at now is looked at later. */
  async #review(): Promise<void> {
    const { logger, outbox } = this.#dependencies;
    try {
      for (const { root } of await outbox.review())
        logger.warn("an anchor left the chain and was sent again", { root });
    } catch (error) {
      logger.warn("anchors could not be reviewed", { reason: messageOf(error) });
    }
  }

  async #writeState(cycle: number, { phi, state: named, health, metrics, advised }: Analysis): Promise<void> {
    const { clock, outbox, self } = this.#dependencies;
    const state: State = {
      schema: "witan/state/1",
      node: self,
      cycle,
      time: clock.now(),
      phi,
      state: named,
      health,
      metrics,
      advised,
      previous: this.#previous?.contentId ?? null,
    };
    const { contentId } = await outbox.submit("State", state);
    this.#previous = { contentId, state };
  }
}
