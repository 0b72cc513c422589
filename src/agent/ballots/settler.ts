import {
  MAX_BALLOTS_PER_BATCH,
  type NodeBallot,
  type Proposal,
  type Support,
  Supports,
  schemeOf,
} from "../../client/index.js";
import { endsEarly, type SettleReason, type Tally, whenToSettle } from "../../policy/index.js";
import { hasBit } from "../../ports/chain/bitset.js";
import { isRevert } from "../../ports/chain/index.js";
import { KeyError } from "../../ports/keys/index.js";
import type { Logger } from "../../utils/logger.js";
import type { Committees } from "../aggregation/committees.js";
import { LeaderSchedule } from "../aggregation/leaderSchedule.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { BallotPool } from "./pool.js";
import type { LocalNode } from "./sign.js";
import { isUnopened } from "./unopenedProposal.js";

/** Others may settle at the same moment: what they took is left out the next time. */
const ATTEMPTS = 5;
/** A vote's end is near when a fifth of its time is left, or this much. */
const MARGIN_SHARE = 0.2;
const MAX_MARGIN_SECONDS = 600;

export interface BallotSettlerDependencies {
  readonly nodes: readonly LocalNode[];
  readonly pool: BallotPool;
  readonly committees: () => Committees;
  readonly tasks: BackgroundJobs;
  readonly logger: Logger;
  /** Milliseconds. */
  readonly now: () => number;
  readonly stragglersMs: number;
  /** Verifies a proposal's ballots one by one and forgets those that are not good. */
  readonly recheck: (ballots: readonly NodeBallot[]) => Promise<void>;
}

/**
 * Brings ballots to the chain. Whose duty it is follows from the proposal and the nodes; each further one in that order
 * comes in a step later, so that an aggregator that is gone, slow or holds ballots back costs a moment and nothing else.
 */
export class BallotSettler {
  readonly #dependencies: BallotSettlerDependencies;
  readonly #line: LeaderSchedule;
  /** As read since the last look, or being read. */
  readonly #votedBits = new Map<string, { readonly words: number; readonly bits: Promise<readonly bigint[]> }>();

  constructor(dependencies: BallotSettlerDependencies) {
    this.#dependencies = dependencies;
    this.#line = new LeaderSchedule(dependencies.now, dependencies.nodes[0]?.client.chain.tip);
  }

  /** Looks at an open proposal as it is on chain now, and settles what it is this node's turn to settle. */
  async look(proposal: Proposal, chainTime: number, signal: AbortSignal): Promise<void> {
    const { logger, tasks } = this.#dependencies;
    const pending = await this.pendingOf(proposal);
    const reason = this.#reasonFor(proposal, pending, chainTime);
    // Only ballots that decide a motion are worth a transaction: it opens the proposal too.
    if (reason === undefined || (isUnopened(proposal) && !this.#passesAtOnce(proposal, pending))) {
      this.#line.end(proposal.id);
      return;
    }
    const node = this.#dueNode(proposal);
    if (node === undefined || signal.aborted) return;
    tasks.start(`settle ${proposal.id}`, async () => {
      const settled = await this.#settle(proposal, node);
      if (settled === undefined) return;
      logger.info("settled ballots", { proposalId: proposal.id, why: reason, ...settled });
    });
  }

  /** The ballots on a proposal that are known here and do not count yet. */
  async pendingOf(
    proposal: Proposal,
    fresh = false,
  ): Promise<{ readonly ballot: NodeBallot; readonly since: number }[]> {
    const { committees, pool } = this.#dependencies;
    const known = pool.list(proposal.id);
    if (known.length === 0) return [];
    const highest = known.reduce((most, { ballot }) => Math.max(most, ballot.index), 0);
    const bits = await this.#bitsOf(proposal, fresh, highest);
    return known.filter(
      ({ ballot: { index } }) => !hasBit(bits, index) && committees().member(index, proposal.rules.epoch) !== undefined,
    );
  }

  /** Whether a node's ballot counts already. */
  async hasVoted(proposal: Proposal, index: number): Promise<boolean> {
    return hasBit(await this.#bitsOf(proposal, false, index), index);
  }

  /** What was read of the chain is read again: it may have changed, also back. */
  forgetVoted(): void {
    this.#votedBits.clear();
  }

  forget(proposalId: string): void {
    this.#line.end(proposalId);
    this.#votedBits.delete(proposalId);
  }

  #reasonFor(
    { rules, votes, start, deadline }: Proposal,
    pending: readonly { readonly ballot: NodeBallot; readonly since: number }[],
    chainTime: number,
  ): SettleReason | undefined {
    const { now, stragglersMs } = this.#dependencies;
    const oldest = pending.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY);
    return whenToSettle({
      rules,
      counted: votes,
      pending: tallyOf(pending.map(({ ballot }) => ballot.support)),
      secondsLeft: deadline - chainTime,
      marginSeconds: marginOf(start, deadline),
      waitedMs: now() - oldest,
      stragglersMs,
    });
  }

  #passesAtOnce({ rules }: Proposal, pending: readonly { readonly ballot: NodeBallot }[]): boolean {
    return endsEarly(rules, tallyOf(pending.map(({ ballot }) => ballot.support)));
  }

  #dueNode({ id, rules }: Proposal): LocalNode | undefined {
    const { committees, nodes } = this.#dependencies;
    const due = this.#line.due({ key: id, task: `settle ${id}`, nodes: () => committees().operators(rules.epoch) });
    return nodes.find(({ operator }) => due.has(operator.toLowerCase()));
  }

  /** One transaction; undefined where others have settled everything, or the vote has ended. */
  async #settle(
    proposal: Proposal,
    { client }: LocalNode,
  ): Promise<{ ballots: number; transaction: string; gas: bigint } | undefined> {
    /** The only side to settle, by size, where they cannot be settled together. */
    let side: number | undefined;
    for (let attempt = 1; ; attempt++) {
      const pending = await this.pendingOf(proposal, true);
      const known = pending.map(({ ballot }) => ballot);
      const all = side === undefined ? known : (sidesOf(known)[side] ?? []);
      // Signatures that add up to one fit into a transaction however many they are.
      const ballots = all.some((ballot) => schemeOf(ballot) === "operator") ? all.slice(0, MAX_BALLOTS_PER_BATCH) : all;
      if (ballots.length === 0) return undefined;
      try {
        const { hash, gasUsed } = isUnopened(proposal)
          ? await client.decideProposal({ proposal: proposal.built, ballots })
          : await client.castVotes({ proposalId: proposal.id, ballots });
        return { ballots: ballots.length, transaction: hash, gas: gasUsed };
      } catch (error) {
        if (isRevert(error, "GovernorUnexpectedProposalState")) return undefined;
        if (attempt >= ATTEMPTS) throw error;
        const sumsUpToNothing = error instanceof KeyError;
        if (sumsUpToNothing || isRevert(error, "NodeRegistryInvalidSignature", "NodeRegistryInvalidSignatureOf")) {
          // Each is good: then the keys of one side cancel out, as only one hand that holds them all can make them.
          if (attempt > 1 || sumsUpToNothing) side = (side ?? -1) + 1;
          await this.#dependencies.recheck(ballots);
        } else if (!isRevert(error, "GovernorBallotsOverlap")) throw error;
      }
    }
  }

  /** Who has voted, 256 to a word: read once a look, however many ask. */
  #bitsOf(proposal: Proposal, fresh: boolean, highest: number): Promise<readonly bigint[]> {
    const words = (highest >> 8) + 1;
    const known = this.#votedBits.get(proposal.id);
    if (!fresh && known !== undefined && known.words >= words) return known.bits;
    const bits = this.#readBits(proposal, words);
    this.#votedBits.set(proposal.id, { words, bits });
    // Whoever asked is told of a failure; whoever asks next is not.
    bits.catch(() => this.#votedBits.delete(proposal.id));
    return bits;
  }

  async #readBits(proposal: Proposal, words: number): Promise<readonly bigint[]> {
    const [reader] = this.#dependencies.nodes;
    if (reader === undefined) return [];
    const { chain } = reader.client;
    return Promise.all(
      Array.from({ length: words }, (_, position) =>
        chain.read(() => chain.contracts.governor.votedBits(proposal.id, position, { blockTag: chain.tip })),
      ),
    );
  }
}

/** So long before its end a vote waits for nobody any more, in seconds. */
export function marginOf(start: number, deadline: number): number {
  return Math.min(MAX_MARGIN_SECONDS, (deadline - start) * MARGIN_SHARE);
}

function tallyOf(supports: readonly Support[]): Tally {
  const count = (support: Support) => supports.filter((each) => each === support).length;
  return { for: count("for"), against: count("against"), abstain: count("abstain") };
}

/** The ballots of each support, the most first. */
function sidesOf(ballots: readonly NodeBallot[]): (readonly NodeBallot[])[] {
  const sides = Supports.map((support) => ballots.filter((ballot) => ballot.support === support));
  return sides.sort((a, b) => b.length - a.length);
}
