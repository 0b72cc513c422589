import type { Client, NodeSummary, Proposal, ProposalId } from "../client/index.js";
import { messageOf } from "../errors.js";
import type { PlannedProposal } from "../policy/index.js";
import { type Address, type TrackRules, Tracks } from "../records/index.js";
import type { Logger } from "../utils/logger.js";
import { Committees } from "./ballots/committee.js";
import { type Motion, makeMotion } from "./ballots/motion.js";
import type { Clock } from "./clock.js";

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

/**
 * From what nodes see to an order in one transaction: on tracks that allow it they vote on what they plan before anybody
 * has opened it.
 */
export class FastLane {
  readonly #dependencies: FastLaneDependencies;
  readonly #since = new Map<ProposalId, number>();
  #motions = new Map<ProposalId, Motion>();

  constructor(dependencies: FastLaneDependencies) {
    this.#dependencies = dependencies;
  }

  /** What is being voted on and is not on chain. */
  get motions(): readonly Motion[] {
    return [...this.#motions.values()];
  }

  /** Takes up those of the plans that may go this way; the others, and those that took too long, are given back. */
  async take(
    planned: readonly PlannedProposal[],
    open: readonly Proposal[],
    nodes: readonly NodeSummary[],
    chainTime: number,
  ): Promise<PlannedProposal[]> {
    const { client, clock, logger } = this.#dependencies;
    const motions = new Map<ProposalId, Motion>();
    const rest: PlannedProposal[] = [];
    for (const plan of planned) {
      const built = client.buildProposal(plan);
      const since = this.#since.get(built.proposalId) ?? clock.now();
      const known = this.#motions.get(built.proposalId);
      const late = clock.now() - since >= DECIDE_WITHIN_MS;
      if (late || open.some(({ id }) => id === built.proposalId)) {
        rest.push(plan);
        continue;
      }
      try {
        const motion = known ?? (await this.#move(built, nodes, chainTime));
        if (motion === undefined) rest.push(plan);
        else motions.set(motion.id, motion);
      } catch (error) {
        logger.warn("a plan takes the slow way", { proposalId: built.proposalId, reason: messageOf(error) });
        rest.push(plan);
      }
    }
    this.#motions = motions;
    return rest;
  }

  /** Undefined where the track has no fast lane. */
  async #move(built: Motion["built"], nodes: readonly NodeSummary[], chainTime: number): Promise<Motion | undefined> {
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
    await client.content.put(built.block.bytes, { codec: "dag-cbor" });
    const committees = new Committees(nodes);
    this.#remember(built.proposalId, clock.now());
    return makeMotion({
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
    this.#since.set(proposalId, now);
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
