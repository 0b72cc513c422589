import type { NodeBallot, Proposal, ProposalId, Support } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { Address, Incident } from "../../records/index.js";
import { FailureLog } from "../../utils/failureLog.js";
import { ThrottledTask } from "../../utils/timing/throttledTask.js";
import { CountedSeats } from "../aggregation/countedSeats.js";
import { disconnectAbuser, type ExchangeDependencies, SETTLE_SOON_MS } from "../aggregation/exchangeDependencies.js";
import { LatestView } from "../aggregation/latestView.js";
import type { LocalNode } from "../aggregation/localNode.js";
import type { ChainView } from "../chainView.js";
import type { RecordedBallot } from "../signing/ownBallots.js";
import { Equivocations } from "./equivocations.js";
import { encodeBallot } from "./message.js";
import { OpenProposals } from "./openProposals.js";
import { BallotPool } from "./pool.js";
import { BallotSender } from "./sender.js";
import { BallotSettler } from "./settler.js";
import type { UnopenedProposal } from "./unopenedProposal.js";
import { type BallotCounts, BallotValidator } from "./validator.js";

export interface BallotExchangeDependencies extends ExchangeDependencies {
  /** The folder for ballots on disk. */
  readonly dir: string;
  /** The nodes that vote from this process. At least one. */
  readonly nodes: readonly LocalNode[];
  /** How long to wait for more ballots before sending those that do not settle the vote. */
  readonly waitForMoreMs: number;
}

/** What is known here of a vote, including the ballots that are not on chain yet. */
export interface BallotsView {
  readonly known: readonly { readonly index: number; readonly support: Support }[];
  readonly equivocations: readonly number[];
}

/**
 * Ballots between nodes: sent over one topic a governor, verified before they are relayed, aggregated, and settled in one
 * transaction by the leader. A node that no peer hears, or whose ballot does not count shortly before the vote ends,
 * votes directly.
 */
export class BallotExchange {
  readonly #pool: BallotPool;
  readonly #latest: LatestView;
  readonly #open: OpenProposals;
  readonly #counted: CountedSeats;
  readonly #validator: BallotValidator;
  readonly #sender: BallotSender;
  readonly #settler: BallotSettler;
  readonly #equivocations: Equivocations;
  readonly #soon: ThrottledTask;
  readonly #stopping = new AbortController();
  /** Whether BLS signatures can be aggregated on this chain. */
  readonly aggregates: boolean;
  /** The topic on which ballots of this governor travel. */
  readonly topic: string;
  #unsubscribe: () => void = () => undefined;

  private constructor(dependencies: BallotExchangeDependencies, aggregates: boolean, pool: BallotPool) {
    const { clock, logger, nodes } = dependencies;
    const { client } = firstOf(nodes);
    const { chain } = client;
    const governor = chain.addresses.NodeGovernor;
    this.aggregates = aggregates;
    this.topic = `witan/ballots/1/${governor.toLowerCase()}`;
    this.#pool = pool;
    this.#latest = new LatestView(clock);
    this.#counted = new CountedSeats(chain);
    this.#open = new OpenProposals(client, clock, this.#counted);
    const shared = {
      ...{ ...dependencies, aggregates, topic: this.topic },
      ...{ pool, open: this.#open, latest: this.#latest, counted: this.#counted },
    };
    this.#validator = new BallotValidator({
      ...shared,
      context: { chainId: chain.chainId, governor },
      standingOf: (proposalId) => this.#open.standingOf(proposalId),
      onAbuse: disconnectAbuser(dependencies, "ballots"),
      onBallot: () => this.#soon.schedule(),
      onEquivocation: (equivocation) => this.#equivocations.report(equivocation),
    });
    this.#equivocations = new Equivocations({
      ...shared,
      isSigned: (ballot, node) => this.#validator.isSigned(ballot, node),
    });
    this.#settler = new BallotSettler({ ...shared, recheck: (ballots) => this.#recheck(ballots) });
    const hasVoted = (proposal: Proposal, index: number) => this.#settler.hasVoted(proposal, index);
    this.#sender = new BallotSender({ ...shared, hasVoted });
    const failures = new FailureLog(logger, "ballots could not be settled yet", "ballots are settled again");
    this.#soon = new ThrottledTask(
      async () => {
        await this.#settle();
        failures.succeeded();
      },
      SETTLE_SOON_MS,
      (error) => failures.failed(error),
    );
  }

  /** Reads the ballots on disk and subscribes. Nothing is settled before the first {@link update}. */
  static async open(dependencies: BallotExchangeDependencies): Promise<BallotExchange> {
    const { clock, dir, gossip, logger, nodes } = dependencies;
    const { chain } = firstOf(nodes).client;
    const aggregates = await chain.read(() => chain.contracts.nodes.aggregates());
    const onError = (error: unknown) => logger.error("ballots could not be written", { reason: messageOf(error) });
    const exchange = new BallotExchange(dependencies, aggregates, await BallotPool.open({ dir, clock, onError }));
    // The validator has put the ballot into the pool already.
    exchange.#unsubscribe = gossip.subscribe(exchange.topic, () => undefined, {
      validate: (bytes, _from, relay) => exchange.#validator.check(bytes, relay),
    });
    return exchange;
  }

  get counts(): Readonly<BallotCounts> & { readonly checks: number } {
    return { ...this.#validator.counts, checks: this.#validator.checks };
  }

  /** Whether a node of this process may vote on a proposal, its vote counts, and it has neither voted nor sent its ballot. */
  async needs(proposal: Proposal, account: Address): Promise<boolean> {
    const member = this.#latest.committees.ofAccount(account, proposal.rules.epoch);
    if (
      member === undefined ||
      !this.#counted.has(proposal, member.index) ||
      this.#sender.has(proposal.id, member.index)
    )
      return false;
    return !(await this.#settler.hasVoted(proposal, member.index));
  }

  /** Signs a decision that is on disk and sends it to all nodes; nothing if it was sent before. */
  async cast(proposal: Proposal, recorded: RecordedBallot, account: Address): Promise<void> {
    await this.#sender.send(proposal, recorded, account);
    this.#soon.schedule();
  }

  /** Continues from a snapshot of the chain, and from the proposals that nodes vote on before anybody has opened them. */
  async update(view: ChainView, unopened: readonly UnopenedProposal[]): Promise<void> {
    const proposals = [...view.proposals, ...unopened];
    await this.#counted.load(proposals);
    this.#latest.update(view);
    this.#open.update(proposals);
    this.#settler.beginCycle();
    await this.#validator.restore(this.#pool.takeRestored());
    this.#equivocations.update();
    await this.#dropEnded();
    await this.#settle();
    await this.#sender.sendAgain();
  }

  /** What is known here of a vote. */
  view(proposalId: ProposalId): BallotsView {
    const ballots = this.#pool.list(proposalId).map(({ message }) => message);
    return {
      known: ballots.map(({ index, support }) => ({ index, support })),
      equivocations: ballots.flatMap(({ index }) => (this.#pool.equivocationOf(proposalId, index) ? [index] : [])),
    };
  }

  /** What a node's key is known to have signed on a proposal, whether or not its journal holds it. */
  signedOn(proposal: Proposal, account: Address): Support | undefined {
    const member = this.#latest.committees.ofAccount(account, proposal.rules.epoch);
    return member === undefined ? undefined : this.#pool.get(proposal.id, member.index)?.support;
  }

  /** The ballots of a node on what is open, as they travel. */
  signedBy(account: Address): Uint8Array[] {
    return this.#pool.proposals.flatMap((proposalId) => {
      const epoch = this.#open.standingOf(proposalId)?.epoch;
      const member = this.#latest.committees.ofAccount(account, epoch);
      const ballot = member === undefined ? undefined : this.#pool.get(proposalId, member.index);
      return ballot === undefined ? [] : [encodeBallot(ballot)];
    });
  }

  /** Takes a ballot that a peer returns, if it is good. */
  async take(message: Uint8Array, peer: string): Promise<void> {
    await this.#validator.check(message, peer);
  }

  /** What members did that calls for their ban. */
  incidents(): Incident[] {
    return this.#equivocations.incidents();
  }

  /** Whether an incident of the kind "equivocation" is true: the node it names has signed both ballots. */
  proves(incident: Incident): Promise<boolean> {
    return this.#equivocations.proves(incident);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#soon.stop();
    this.#unsubscribe();
    await this.#pool.close();
  }

  async #settle(): Promise<void> {
    for (const proposal of this.#open.active) await this.#settler.update(proposal, this.#stopping.signal);
  }

  /** Forgets votes that have ended, and those that never began. */
  async #dropEnded(): Promise<void> {
    const held = new Set([...this.#pool.proposals, ...this.#sender.proposals]);
    for (const proposalId of await this.#open.ended([...held])) {
      this.#open.end(proposalId);
      this.#settler.forget(proposalId);
      this.#validator.forget(proposalId);
      this.#sender.forget(proposalId);
      this.#equivocations.forget(proposalId);
      await this.#pool.drop(proposalId);
    }
  }

  /** Verified ballots cannot be bad, unless memory or disk is: those are found and removed. */
  async #recheck(ballots: readonly NodeBallot[]): Promise<void> {
    for (const { proposalId, index } of ballots) this.#pool.forget(proposalId, index);
    await this.#validator.restore(ballots);
  }
}

function firstOf(nodes: readonly LocalNode[]): LocalNode {
  const [first] = nodes;
  if (first === undefined) throw new RangeError("an exchange of ballots needs a node");
  return first;
}
