import type { NodeBallot, Proposal, ProposalId } from "../../client/index.js";
import { isRevert } from "../../ports/chain/index.js";
import { blsPublicKey } from "../../ports/keys/index.js";
import type { Address, Hex } from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
import type { CountedSeats } from "../aggregation/countedSeats.js";
import type { ExchangeDependencies } from "../aggregation/exchangeDependencies.js";
import type { LatestView } from "../aggregation/latestView.js";
import type { LocalNode } from "../aggregation/localNode.js";
import { MessageSender, type MessageStanding } from "../aggregation/sender.js";
import { settlementMargin } from "../aggregation/settlementMargin.js";
import type { RecordedBallot } from "../signing/ownBallots.js";
import { encodeBallot } from "./message.js";
import type { OpenProposals } from "./openProposals.js";
import type { BallotPool } from "./pool.js";
import { signNodeBallot } from "./sign.js";
import { isUnopened } from "./unopenedProposal.js";

export interface BallotSenderDependencies
  extends Pick<ExchangeDependencies, "gossip" | "bls" | "clock" | "jobs" | "logger"> {
  readonly nodes: readonly LocalNode[];
  readonly topic: string;
  /** Whether BLS signatures can be aggregated on this chain; otherwise accounts sign. */
  readonly aggregates: boolean;
  readonly pool: BallotPool;
  readonly open: OpenProposals;
  readonly latest: LatestView;
  readonly counted: Pick<CountedSeats, "has">;
  /** Whether a node's ballot counts already. */
  readonly hasVoted: (proposal: Proposal, index: number) => Promise<boolean>;
}

/** One of this process's ballots. */
interface OwnBallot {
  readonly node: LocalNode;
  readonly ballot: NodeBallot;
  readonly reason: string;
}

/** Sends this process's ballots until they count, and casts them directly if no other node does. */
export class BallotSender {
  readonly #dependencies: BallotSenderDependencies;
  readonly #sender: MessageSender<OwnBallot>;
  readonly #keys = new WeakMap<LocalNode, Hex>();

  constructor(dependencies: BallotSenderDependencies) {
    this.#dependencies = dependencies;
    this.#sender = new MessageSender({
      ...dependencies,
      jobName: "vote directly",
      standingOf: (own) => this.#standingOf(own),
      sendDirectly: (own, why) => this.#vote(own, why),
    });
  }

  /** The proposals on which this process has sent a ballot. */
  get proposals(): readonly ProposalId[] {
    return this.#sender.messages.map(({ ballot }) => ballot.proposalId);
  }

  has(proposalId: ProposalId, index: number): boolean {
    return this.#sender.has(keyOf(proposalId, index));
  }

  /** Signs a decision that is on disk and sends it to all nodes; nothing if it was sent before. */
  async send(proposal: Proposal, { reason, support }: RecordedBallot, account: Address): Promise<void> {
    const { aggregates, bls, latest, logger, nodes, pool } = this.#dependencies;
    const node = nodes.find((each) => sameHex(each.account, account));
    const member = latest.committees.ofAccount(account, proposal.rules.epoch);
    if (node === undefined || member === undefined || this.has(proposal.id, member.index)) return;
    const { index } = member;
    const proposalId = proposal.id;
    const heard = pool.get(proposalId, index);
    if (heard !== undefined && heard.support !== support) {
      const what = "this node's key has signed another ballot: is its journal lost, or does it run twice?";
      logger.error(what, { proposalId, index, signed: heard.support });
    }
    // A second, different ballot would be an equivocation: the signed one stands.
    const ballot = heard ?? (await signNodeBallot({ bls, aggregates, node, proposalId, index, support }));
    // An account that is operator and agent at once may have had another BLS key in this epoch.
    const isKnownKey = !aggregates || this.#keyOf(node) === member.key;
    if (isKnownKey) pool.add(ballot);
    else logger.warn("this node's key is not the one that others know", { proposalId, index });
    const bytes = isKnownKey ? encodeBallot(ballot) : undefined;
    const peers = await this.#sender.send(keyOf(proposalId, index), { node, ballot, reason }, bytes);
    logger.info("voted", { proposalId, support: ballot.support, reason, peers });
  }

  /** Sends again what does not count yet, and directly where that is safer. */
  async sendAgain(): Promise<void> {
    await this.#sender.sendAgain();
  }

  /** The vote has ended. */
  forget(proposalId: ProposalId): void {
    this.#sender.forget(({ ballot }) => ballot.proposalId === proposalId);
  }

  async #standingOf({ ballot }: OwnBallot): Promise<MessageStanding | undefined> {
    const { counted, hasVoted, latest, open } = this.#dependencies;
    const proposal = open.get(ballot.proposalId);
    // A seat that was suspended before the opening does not count any more.
    if (proposal === undefined || !counted.has(proposal, ballot.index) || (await hasVoted(proposal, ballot.index)))
      return undefined;
    const { deadline, start } = proposal;
    const late = deadline - latest.chainTime() <= settlementMargin(start, deadline) / 2;
    return { late, direct: !isUnopened(proposal) };
  }

  async #vote({ ballot, node, reason }: OwnBallot, why: "alone" | "late"): Promise<void> {
    const { proposalId, support } = ballot;
    try {
      const { gasUsed: gas, hash: transaction } = await node.client.castVote({ proposalId, support, reason });
      const said = why === "alone" ? "no peer hears" : "the vote ends soon";
      this.#dependencies.logger.info("voted directly", { proposalId, support, why: said, transaction, gas });
    } catch (error) {
      if (!isRevert(error, "GovernorAlreadyCastVote", "GovernorUnexpectedProposalState")) throw error;
    }
  }

  #keyOf(node: LocalNode): Hex {
    const key = this.#keys.get(node) ?? blsPublicKey(node.blsSecret);
    this.#keys.set(node, key);
    return key;
  }
}

function keyOf(proposalId: ProposalId, index: number): string {
  return `${proposalId} ${index}`;
}
