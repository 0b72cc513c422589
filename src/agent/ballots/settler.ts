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
import { isRevert, needsTooMuchGas } from "../../ports/chain/index.js";
import { KeyError } from "../../ports/keys/index.js";
import type { CountedSeats } from "../aggregation/countedSeats.js";
import type { ExchangeDependencies } from "../aggregation/exchangeDependencies.js";
import type { LatestView } from "../aggregation/latestView.js";
import { LeaderSchedule } from "../aggregation/leaders/leaderSchedule.js";
import type { LocalNode } from "../aggregation/localNode.js";
import type { PooledMessage } from "../aggregation/pool.js";
import { settlementMargin } from "../aggregation/settlementMargin.js";
import { type Settlement, submitAggregate } from "../aggregation/settler.js";
import type { BallotPool } from "./pool.js";
import { isUnopened } from "./unopenedProposal.js";

export interface BallotSettlerDependencies extends Pick<ExchangeDependencies, "clock" | "jobs" | "logger"> {
  readonly nodes: readonly LocalNode[];
  readonly pool: BallotPool;
  readonly latest: LatestView;
  /** One ballot of a seat that is not counted would have all of them refused. */
  readonly counted: Pick<CountedSeats, "has" | "refresh">;
  readonly waitForMoreMs: number;
  /** Verifies ballots one by one and removes those that are not good from the pool. */
  readonly recheck: (ballots: readonly NodeBallot[]) => Promise<void>;
}

/**
 * Brings ballots to the chain. The proposal and the nodes determine the leader; further nodes step in one by one, so that
 * a leader that is absent, slow or holds ballots back costs a moment and nothing else.
 */
export class BallotSettler {
  readonly #dependencies: BallotSettlerDependencies;
  readonly #schedule: LeaderSchedule;
  /** As read since the last update, or being read. */
  readonly #votedBits = new Map<string, { readonly words: number; readonly bits: Promise<readonly bigint[]> }>();

  constructor(dependencies: BallotSettlerDependencies) {
    this.#dependencies = dependencies;
    this.#schedule = new LeaderSchedule(dependencies.clock, dependencies.nodes[0]?.client.chain.tip);
  }

  /** Settles the ballots on an open proposal, if there is a reason to and it is this node's turn. */
  async update(proposal: Proposal, signal: AbortSignal): Promise<void> {
    const { jobs, logger } = this.#dependencies;
    const pending = await this.pendingOf(proposal);
    const reason = this.#reasonFor(proposal, pending);
    // On an unopened proposal only deciding ballots are worth a transaction, which opens it too.
    if (reason === undefined || (isUnopened(proposal) && !this.#passesAtOnce(proposal, pending))) {
      this.#schedule.end(proposal.id);
      return;
    }
    const node = this.#dueNode(proposal);
    if (node === undefined || signal.aborted) return;
    jobs.start(
      `settle ${proposal.id}`,
      async () => {
        const settled = await this.#settle(proposal, node);
        if (settled === undefined) return;
        const { count: ballots, ...sent } = settled;
        logger.info("settled ballots", { proposalId: proposal.id, why: reason, ballots, ...sent });
      },
      `${proposal.state} ${pending.length}`,
    );
  }

  /** The ballots on a proposal that are known here and do not count yet. */
  async pendingOf(proposal: Proposal, fresh = false): Promise<PooledMessage<NodeBallot>[]> {
    const { counted, latest, pool } = this.#dependencies;
    const known = pool.list(proposal.id);
    if (known.length === 0) return [];
    const highest = known.reduce((most, { message }) => Math.max(most, message.index), 0);
    const bits = await this.#bitsOf(proposal, fresh, highest);
    return known.filter(
      ({ message: { index } }) =>
        !hasBit(bits, index) &&
        counted.has(proposal, index) &&
        latest.committees.member(index, proposal.rules.epoch) !== undefined,
    );
  }

  /** Whether a node's ballot counts already. */
  async hasVoted(proposal: Proposal, index: number): Promise<boolean> {
    return hasBit(await this.#bitsOf(proposal, false, index), index);
  }

  /** A cycle begins: what was read from the chain is read again, since a reorganisation may have changed it. */
  beginCycle(): void {
    this.#schedule.update();
    this.#votedBits.clear();
  }

  forget(proposalId: string): void {
    this.#schedule.end(proposalId);
    this.#votedBits.delete(proposalId);
  }

  #reasonFor(
    { rules, votes, start, deadline }: Proposal,
    pending: readonly PooledMessage<NodeBallot>[],
  ): SettleReason | undefined {
    const { clock, latest, waitForMoreMs } = this.#dependencies;
    const oldest = pending.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY);
    return whenToSettle({
      rules,
      counted: votes,
      pending: tallyOf(pending.map(({ message }) => message.support)),
      secondsLeft: deadline - latest.chainTime(),
      marginSeconds: settlementMargin(start, deadline),
      waitedMs: clock.monotonic() - oldest,
      waitForMoreMs,
    });
  }

  #passesAtOnce({ rules }: Proposal, pending: readonly PooledMessage<NodeBallot>[]): boolean {
    return endsEarly(rules, tallyOf(pending.map(({ message }) => message.support)));
  }

  #dueNode({ id, rules }: Proposal): LocalNode | undefined {
    const { latest, nodes } = this.#dependencies;
    const due = this.#schedule.due({
      key: id,
      task: `settle ${id}`,
      nodes: () => latest.committees.present(rules.epoch),
    });
    return nodes.find(({ account }) => due.has(account.toLowerCase()));
  }

  #settle(proposal: Proposal, { client }: LocalNode): Promise<Settlement | undefined> {
    /** The only side to settle, by size, if they cannot be settled together. */
    let side: number | undefined;
    let refusals = 0;
    let most = MAX_BALLOTS_PER_BATCH;
    return submitAggregate<NodeBallot>({
      pending: async () => {
        const known = (await this.pendingOf(proposal, true)).map(({ message }) => message);
        const ballots = side === undefined ? known : (sidesOf(known)[side] ?? []);
        // Aggregated signatures fit into a transaction however many they are; accounts' signatures do not.
        return isList(ballots) ? ballots.slice(0, most) : ballots;
      },
      submit: (ballots) =>
        isUnopened(proposal)
          ? client.decideProposal({ proposal: proposal.built, ballots })
          : client.castVotes({ proposalId: proposal.id, ballots }),
      isOver: (error) =>
        isRevert(error, "GovernorUnexpectedProposalState", "GovernorNothingNew", "GovernorWindowPassed"),
      recover: async (error, ballots) => {
        // A fork may have changed what a ballot costs: half as many are tried. The others follow by a later transaction.
        if (needsTooMuchGas(error) && isList(ballots) && ballots.length > 1) {
          most = Math.ceil(ballots.length / 2);
          return true;
        }
        refusals += 1;
        // A reorganisation has changed who is suspended.
        if (refusals === 1 && isRevert(error, "NodeRegistryNotMembers")) {
          await this.#dependencies.counted.refresh(proposal);
          return true;
        }
        const sumsUpToNothing = error instanceof KeyError;
        if (!sumsUpToNothing && !isRevert(error, "NodeRegistryInvalidSignature", "NodeRegistryInvalidSignatureOf"))
          return false;
        // If each is good, the keys of one side cancel out, as only somebody who holds them all can arrange.
        if (refusals > 1 || sumsUpToNothing) side = (side ?? -1) + 1;
        await this.#dependencies.recheck(ballots);
        return true;
      },
    });
  }

  /** Which nodes have voted, 256 to a word: read once an update, however many callers ask. */
  #bitsOf(proposal: Proposal, fresh: boolean, highest: number): Promise<readonly bigint[]> {
    const words = (highest >> 8) + 1;
    const known = this.#votedBits.get(proposal.id);
    if (!fresh && known !== undefined && known.words >= words) return known.bits;
    const bits = this.#readBits(proposal, words);
    this.#votedBits.set(proposal.id, { words, bits });
    // The callers so far learn of a failure; the next one reads again.
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

/** Whether each ballot brings a signature of its own to the chain. */
function isList(ballots: readonly NodeBallot[]): boolean {
  return ballots.some((ballot) => schemeOf(ballot) === "account");
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
