import type { Client, NodeSummary, ProposalId } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { PlannedProposal } from "../../policy/index.js";
import { type Address, type TrackRules, Tracks } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { Committees } from "../aggregation/committees.js";
import { makeUnopenedProposal, type UnopenedProposal } from "../ballots/unopenedProposal.js";

/** So long nodes vote on what nobody has opened; then it is opened as any other proposal, ballots and all. */
const DECIDE_WITHIN_MS = 6_000;
/** Motions that are remembered so that none is taken up twice. */
const MAX_REMEMBERED = 1_024;

export interface FastLaneDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A plan on which nodes vote before anybody has opened it; without a motion once that took too long. */
interface Moved {
  readonly plan: PlannedProposal;
  readonly built: UnopenedProposal["built"];
  readonly motion: UnopenedProposal | undefined;
}

/**
 * From what nodes see to an order in one transaction: on tracks that allow it they vote on what they plan before anybody
 * has opened it.
 */
export class FastLane {
  readonly #dependencies: FastLaneDependencies;
  readonly #since = new Map<ProposalId, number>();
  #moved = new Map<ProposalId, Moved>();

  constructor(dependencies: FastLaneDependencies) {
    this.#dependencies = dependencies;
  }

  /** What is being voted on and is not on chain. */
  get motions(): readonly UnopenedProposal[] {
    return [...this.#moved.values()].flatMap(({ motion }) => motion ?? []);
  }

  /**
   * Takes up those of the plans that may go this way; the others, and those that took too long, are given back. What nodes
   * have voted on is opened in the end, also when it is planned no more: ballots must not lie about until somebody uses them.
   */
  async take(
    planned: readonly PlannedProposal[],
    nodes: readonly NodeSummary[],
    chainTime: number,
  ): Promise<PlannedProposal[]> {
    const { client, clock } = this.#dependencies;
    const created = new Set(await client.listOpenedProposalIds());
    const next = new Map<ProposalId, Moved>();
    const rest: PlannedProposal[] = [];
    for (const { plan, built } of this.#candidates(planned, rest)) {
      const { proposalId } = built;
      if (created.has(proposalId)) {
        rest.push(plan);
        continue;
      }
      const known = this.#moved.get(proposalId);
      const since = this.#since.get(proposalId) ?? clock.now();
      if (clock.now() - since >= DECIDE_WITHIN_MS) {
        rest.push(plan);
        if (known !== undefined) next.set(proposalId, { plan, built, motion: undefined });
        continue;
      }
      const motion = known?.motion ?? (await this.#tryToMove(built, nodes, chainTime));
      if (motion === undefined) rest.push(plan);
      else next.set(proposalId, { plan, built, motion });
    }
    this.#moved = next;
    return rest;
  }

  /** What is planned now, and what was moved before and is not on chain. */
  #candidates(planned: readonly PlannedProposal[], rest: PlannedProposal[]): Iterable<Omit<Moved, "motion">> {
    const { client } = this.#dependencies;
    const candidates = new Map<ProposalId, Omit<Moved, "motion">>(this.#moved);
    for (const plan of planned) {
      try {
        const built = client.buildProposal(plan);
        candidates.set(built.proposalId, { plan, built });
      } catch {
        // Whoever opens it is told what is wrong with it.
        rest.push(plan);
      }
    }
    return candidates.values();
  }

  async #tryToMove(
    built: UnopenedProposal["built"],
    nodes: readonly NodeSummary[],
    chainTime: number,
  ): Promise<UnopenedProposal | undefined> {
    try {
      return await this.#move(built, nodes, chainTime);
    } catch (error) {
      const { proposalId } = built;
      this.#dependencies.logger.warn("a plan takes the slow way", { proposalId, reason: messageOf(error) });
      return undefined;
    }
  }

  /** Undefined where the track has no fast lane. */
  async #move(
    built: UnopenedProposal["built"],
    nodes: readonly NodeSummary[],
    chainTime: number,
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

    // The payload is there for whoever hears of the order.
    await client.content.put(built.block.bytes, { codec: "dag-cbor", keep: "payload" });
    const committees = new Committees(nodes);
    this.#remember(built.proposalId, clock.now());
    return makeUnopenedProposal({
      built,
      self,
      track,
      rules: plain(rules),
      epoch: committees.newest,
      committeeSize: committees.operators(committees.newest).length,
      chainTime,
    });
  }

  #remember(proposalId: ProposalId, now: number): void {
    if (!this.#since.has(proposalId)) this.#since.set(proposalId, now);
    for (const oldest of this.#since.keys()) {
      if (this.#since.size <= MAX_REMEMBERED) break;
      this.#since.delete(oldest);
    }
  }
}

function plain(rules: { readonly [Name in keyof TrackRules]: bigint }): TrackRules {
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
