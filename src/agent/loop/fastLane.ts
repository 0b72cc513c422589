import type { Client, ProposalId } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { PlannedProposal } from "../../policy/index.js";
import { type Address, type TrackRules, Tracks } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { createLruCache } from "../../utils/lruCache.js";
import { makeUnopenedProposal, type UnopenedProposal } from "../ballots/unopenedProposal.js";
import type { ChainView } from "../chainView.js";
import type { OpeningStrategy } from "./strategies/strategy.js";

/** How long nodes vote on an unopened proposal before it is opened like any other, ballots included. */
const DECIDE_WITHIN_MS = 6_000;
/** Unopened proposals whose start is remembered, so that none gets this time twice. */
const MAX_REMEMBERED = 1_024;

export interface FastLaneDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A plan that nodes vote on before anybody has opened it. */
interface FastLanePlan {
  readonly plan: PlannedProposal;
  readonly built: UnopenedProposal["built"];
  /** Undefined once the vote took too long. */
  readonly unopened: UnopenedProposal | undefined;
}

/**
 * Puts plans to the vote before they are opened, on tracks that allow it, so that one transaction opens the proposal, counts
 * its ballots and issues the directive.
 */
export class FastLane implements OpeningStrategy {
  readonly #dependencies: FastLaneDependencies;
  /** When each vote began, in milliseconds of monotonic time. */
  readonly #startedAt = createLruCache<ProposalId, number>(MAX_REMEMBERED);
  #plans = new Map<ProposalId, FastLanePlan>();

  constructor(dependencies: FastLaneDependencies) {
    this.#dependencies = dependencies;
  }

  /** The proposals that nodes vote on and that are not on chain. */
  get unopened(): readonly UnopenedProposal[] {
    return [...this.#plans.values()].flatMap(({ unopened }) => unopened ?? []);
  }

  /**
   * Puts the plans to the vote whose track allows it; resolves with the plans to open on chain: the others, and those whose
   * vote took too long. A proposal that nodes have voted on is opened in the end even if it is no longer planned: a signed ballot must not stay
   * unused until a node brings it to the chain much later.
   */
  async route(planned: readonly PlannedProposal[], view: ChainView): Promise<readonly PlannedProposal[]> {
    const { client, clock } = this.#dependencies;
    const created = new Set(await client.listOpenedProposalIds());
    const next = new Map<ProposalId, FastLanePlan>();
    const toOpen: PlannedProposal[] = [];
    for (const { plan, built } of this.#candidates(planned, toOpen)) {
      const { proposalId } = built;
      if (created.has(proposalId)) {
        toOpen.push(plan);
        continue;
      }
      const known = this.#plans.get(proposalId);
      const startedAt = this.#startedAt.get(proposalId);
      if (startedAt !== undefined && clock.monotonic() - startedAt >= DECIDE_WITHIN_MS) {
        toOpen.push(plan);
        if (known !== undefined) next.set(proposalId, { plan, built, unopened: undefined });
        continue;
      }
      const unopened = known?.unopened ?? (await this.#tryToStart(built, view));
      if (unopened === undefined) toOpen.push(plan);
      else next.set(proposalId, { plan, built, unopened });
    }
    this.#plans = next;
    return toOpen;
  }

  /** The plans of this cycle, and those of earlier cycles that nodes vote on. */
  #candidates(
    planned: readonly PlannedProposal[],
    toOpen: PlannedProposal[],
  ): Iterable<Omit<FastLanePlan, "unopened">> {
    const { client, logger } = this.#dependencies;
    const candidates = new Map<ProposalId, Omit<FastLanePlan, "unopened">>(this.#plans);
    for (const plan of planned) {
      try {
        const built = client.buildProposal(plan);
        candidates.set(built.proposalId, { plan, built });
      } catch (error) {
        // Opening it fails too, and says why.
        logger.debug("a plan cannot be put to the vote", { subject: plan.subject, reason: messageOf(error) });
        toOpen.push(plan);
      }
    }
    return candidates.values();
  }

  async #tryToStart(built: UnopenedProposal["built"], view: ChainView): Promise<UnopenedProposal | undefined> {
    try {
      return await this.#start(built, view);
    } catch (error) {
      const { proposalId } = built;
      this.#dependencies.logger.warn("a plan is opened on chain before the vote", {
        proposalId,
        reason: messageOf(error),
      });
      return undefined;
    }
  }

  /** Undefined if the track has no fast lane. */
  async #start(
    built: UnopenedProposal["built"],
    { chainTime, committees }: ChainView,
  ): Promise<UnopenedProposal | undefined> {
    const { client, clock, self } = this.#dependencies;
    const { governor } = client.chain.contracts;
    const calls = built.calls;
    const number = await client.chain.read(() =>
      governor.trackOf(
        calls.map(({ target }) => target),
        calls.map(({ data }) => data),
      ),
    );
    const track = Tracks[Number(number)];
    const rules = await client.chain.read(() => governor.trackRules(number));
    if (track === undefined || rules.votingDelay !== 0n || rules.fastPath === 0n) return undefined;

    // Stored before ballots travel: the nodes that receive one fetch it.
    await client.content.put(built.block.bytes, { codec: "dag-cbor", keep: "payload" });
    if (!this.#startedAt.has(built.proposalId)) this.#startedAt.set(built.proposalId, clock.monotonic());
    return makeUnopenedProposal({
      built,
      self,
      track,
      rules: toNumbers(rules),
      epoch: committees.newest,
      committeeSize: committees.operators(committees.newest).length,
      chainTime,
    });
  }
}

function toNumbers(rules: { readonly [Name in keyof TrackRules]: bigint }): TrackRules {
  const { votingDelay, votingPeriod, quorum, approval, fastPath, timelock, expiry, openLimit } = rules;
  return {
    votingDelay: Number(votingDelay),
    votingPeriod: Number(votingPeriod),
    quorum: Number(quorum),
    approval: Number(approval),
    fastPath: Number(fastPath),
    timelock: Number(timelock),
    expiry: Number(expiry),
    openLimit: Number(openLimit),
  };
}
