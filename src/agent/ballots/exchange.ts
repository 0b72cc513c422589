import type { NodeBallot, NodeSummary, Proposal, ProposalId, Support } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import { isRevert } from "../../ports/chain/index.js";
import { type Gossip, GossipError } from "../../ports/gossip/index.js";
import { type BlsLibrary, blsPublicKey } from "../../ports/keys/index.js";
import type { Address, Hex, Incident } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { sameHex } from "../../utils/sameHex.js";
import { Soon } from "../../utils/soon.js";
import { Committees } from "../aggregation/committees.js";
import { MUTED_MS } from "../aggregation/peerRateLimiter.js";
import { Rebroadcast } from "../aggregation/rebroadcast.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { ChainView } from "../chainView.js";
import type { RecordedBallot } from "../signing/ownBallots.js";
import { ballotsOf, equivocationIncident } from "./equivocationIncident.js";
import { encodeBallot } from "./message.js";
import { OpenProposals } from "./openProposals.js";
import { BallotPool, type Equivocation } from "./pool.js";
import { BallotSettler, marginOf } from "./settler.js";
import { type LocalNode, signNodeBallot } from "./sign.js";
import { isUnopened, type UnopenedProposal } from "./unopenedProposal.js";
import { type BallotCounts, BallotValidator } from "./validator.js";

/** Ballots come in bursts: one look at them after the last is enough. */
const SETTLE_SOON_MS = 100;

export interface BallotExchangeParameters {
  /** Where ballots are kept. */
  readonly dir: string;
  /** The nodes that vote from this process. At least one. */
  readonly nodes: readonly LocalNode[];
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  readonly bls: BlsLibrary;
  readonly clock: Clock;
  readonly tasks: BackgroundJobs;
  readonly logger: Logger;
  /** How long ballots that decide nothing wait for others, so that one transaction brings many. */
  readonly stragglersMs: number;
  /** Ends the connection to a peer that sends bad ballots, and takes none for so many milliseconds. */
  readonly refusePeer?: ((peer: string, milliseconds: number) => void) | undefined;
}

/** An own ballot that does not count yet. */
interface Sent {
  readonly node: LocalNode;
  readonly ballot: NodeBallot;
  readonly reason: string;
  /** Undefined where it was not signed with the key that the registry has: after a rotation, in an epoch before it. */
  readonly out: Rebroadcast | undefined;
}

/** What is known here of a vote, the part that is not on chain yet included. */
export interface BallotsView {
  readonly known: readonly { readonly index: number; readonly support: Support }[];
  readonly equivocations: readonly number[];
}

/**
 * Ballots between nodes: sent over one topic a governor, verified before they are relayed, added up and settled in one
 * transaction by whoever's turn it is. A node that hears nobody, or whose ballot does not count as the end comes near,
 * votes directly.
 */
export class BallotExchange {
  readonly #parameters: BallotExchangeParameters;
  readonly #aggregates: boolean;
  readonly #pool: BallotPool;
  readonly #polls: OpenProposals;
  readonly #intake: BallotValidator;
  readonly #settler: BallotSettler;
  /** On which ballots of this governor travel. */
  readonly topic: string;
  readonly #equivocations = new Map<number, { readonly incident: Incident; readonly node: NodeSummary }>();
  readonly #suspected = new Map<string, Equivocation>();
  readonly #own = new Map<string, Sent>();
  readonly #keys = new WeakMap<LocalNode, Hex>();
  readonly #stopping = new AbortController();
  #committees = new Committees([]);
  #end: () => void = () => undefined;
  readonly #soon: Soon;

  private constructor(parameters: BallotExchangeParameters, aggregates: boolean, pool: BallotPool) {
    const { bls, clock, logger, nodes, stragglersMs, tasks } = parameters;
    const { chain } = firstOf(nodes).client;
    const governor = chain.addresses.NodeGovernor;
    const now = () => clock.now();
    this.#parameters = parameters;
    this.#aggregates = aggregates;
    this.#pool = pool;
    this.#polls = new OpenProposals(firstOf(nodes).client, now);
    this.topic = `witan/ballots/1/${governor.toLowerCase()}`;
    this.#intake = new BallotValidator({
      context: { chainId: chain.chainId, governor },
      aggregates,
      bls,
      pool,
      committees: () => this.#committees,
      poll: (proposalId) => this.#polls.viewOf(proposalId),
      now,
      onAbuse: (peer) => {
        logger.warn("a peer sends bad ballots and is cut off", { peer });
        parameters.refusePeer?.(peer, MUTED_MS);
      },
      onBallot: () => this.#soon.ask(),
      onEquivocation: (equivocation) => this.#report(equivocation),
    });
    this.#soon = new Soon(
      () => this.#settleAll(),
      SETTLE_SOON_MS,
      (error) => logger.warn("ballots could not be settled yet", { reason: messageOf(error) }),
    );
    this.#settler = new BallotSettler({
      nodes,
      pool,
      committees: () => this.#committees,
      tasks,
      logger,
      now,
      stragglersMs,
      recheck: (ballots) => this.#recheck(ballots),
    });
  }

  /** Opens the ballots on disk and listens. Nothing is settled before the first {@link update}. */
  static async open(parameters: BallotExchangeParameters): Promise<BallotExchange> {
    const { clock, dir, logger, nodes } = parameters;
    const { chain } = firstOf(nodes).client;
    const aggregates = await chain.read(() => chain.contracts.nodes.aggregates());
    const pool = await BallotPool.open({
      dir,
      now: () => clock.now(),
      onError: (error) => logger.error("ballots could not be written", { reason: messageOf(error) }),
    });
    const exchange = new BallotExchange(parameters, aggregates, pool);
    exchange.#listen();
    return exchange;
  }

  get counts(): Readonly<BallotCounts> & { readonly checks: number } {
    return { ...this.#intake.counts, checks: this.#intake.checks };
  }

  /** Whether a node of this process may vote on a proposal, has not, and has not sent its ballot either. */
  async needs(proposal: Proposal, operator: Address): Promise<boolean> {
    const member = this.#committees.ofOperator(operator, proposal.rules.epoch);
    if (member === undefined || this.#own.has(ownKey(proposal.id, member.index))) return false;
    return !(await this.#settler.hasVoted(proposal, member.index));
  }

  /** Whether many ballots can become one signature on this chain. */
  get aggregates(): boolean {
    return this.#aggregates;
  }

  /** Signs a decision that is on disk and sends it to all nodes. What was sent before is not sent at once again. */
  async cast(proposal: Proposal, { support, reason }: RecordedBallot, operator: Address): Promise<void> {
    const { bls, logger, nodes } = this.#parameters;
    const node = nodes.find((each) => sameHex(each.operator, operator));
    const member = this.#committees.ofOperator(operator, proposal.rules.epoch);
    if (node === undefined || member === undefined || this.#own.has(ownKey(proposal.id, member.index))) return;
    const { index } = member;
    const heard = this.#pool.get(proposal.id, index);
    if (heard !== undefined && heard.support !== support) {
      logger.error("this node's key has signed another ballot: is its journal lost, or does it run twice?", {
        proposalId: proposal.id,
        index,
        signed: heard.support,
      });
    }
    // What it has signed it stands by: another ballot would betray it.
    const ballot =
      heard ??
      (await signNodeBallot({ bls, aggregates: this.#aggregates, node, proposalId: proposal.id, index, support }));
    const good = !this.#aggregates || this.#keyOf(node) === member.key;
    if (!good) logger.warn("this node's key is not the one that others know", { proposalId: proposal.id, index });
    const out = good ? this.#outgoing(ballot) : undefined;
    this.#own.set(ownKey(proposal.id, index), { node, ballot, reason, out });
    if (good) this.#pool.add(ballot);
    await out?.send();
    const peers = out?.recipients ?? 0;
    logger.info("voted", { proposalId: proposal.id, support: ballot.support, reason, peers });
    this.#soon.ask();
  }

  /** Goes on from a snapshot of the chain, with the proposals besides that nobody has opened. */
  async update(view: ChainView, unopened: readonly UnopenedProposal[]): Promise<void> {
    this.#committees = view.committees;
    this.#polls.update([...view.proposals, ...unopened], view.chainTime);
    this.#settler.forgetVoted();
    await this.#intake.restore(this.#pool.takeRestored());
    for (const suspected of [...this.#suspected.values()]) this.#report(suspected);
    await this.#dropEnded();
    await this.#settleAll();
    await this.#sendAgain();
  }

  /** What is known here of a vote. */
  view(proposalId: ProposalId): BallotsView {
    const ballots = this.#pool.list(proposalId).map(({ ballot }) => ballot);
    return {
      known: ballots.map(({ index, support }) => ({ index, support })),
      equivocations: ballots.flatMap(({ index }) => (this.#pool.equivocationOf(proposalId, index) ? [index] : [])),
    };
  }

  /** What members did that calls for their ban. */
  incidents(): Incident[] {
    return [...this.#equivocations.values()]
      .filter(({ node }) => this.#committees.member(node.index, this.#committees.newest) !== undefined)
      .map(({ incident }) => incident);
  }

  /** Whether an incident of the kind "equivocation" is one: the node it names has signed both ballots. */
  async proves(incident: Incident): Promise<boolean> {
    const equivocation = ballotsOf(incident);
    const node = equivocation && this.#committees.get(equivocation.first.index);
    if (equivocation === undefined || node === undefined) return false;
    const { first, second } = equivocation;
    // One pair of ballots is one record, whoever writes it.
    const written = equivocationIncident(equivocation, node);
    if (JSON.stringify(plain(incident)) !== JSON.stringify(plain(written))) return false;
    const signed = [await this.#intake.isSigned(first, node), await this.#intake.isSigned(second, node)];
    if (signed.includes(undefined)) throw new GossipError("Too many ballots wait to be verified.");
    return signed.every(Boolean);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#soon.stop();
    this.#end();
    await this.#pool.close();
  }

  #keyOf(node: LocalNode): Hex {
    const key = this.#keys.get(node) ?? blsPublicKey(node.blsSecret);
    this.#keys.set(node, key);
    return key;
  }

  #listen(): void {
    const { gossip } = this.#parameters;
    // The validator has put it into the pool already.
    this.#end = gossip.subscribe(this.topic, () => undefined, {
      validate: (bytes, _from, relay) => this.#intake.check(bytes, relay),
    });
  }

  #outgoing(ballot: NodeBallot): Rebroadcast {
    const { clock, gossip, logger } = this.#parameters;
    return new Rebroadcast({ gossip, topic: this.topic, bytes: encodeBallot(ballot), now: () => clock.now(), logger });
  }

  /** Whatever does not count yet is sent again, and cast directly where that is safer. */
  async #sendAgain(): Promise<void> {
    const { logger, tasks } = this.#parameters;
    for (const [key, sent] of this.#own) {
      const proposal = this.#polls.get(sent.ballot.proposalId);
      if (proposal === undefined) continue;
      const opened = !isUnopened(proposal);
      if (await this.#settler.hasVoted(proposal, sent.ballot.index)) continue;
      await sent.out?.send();
      const late = proposal.deadline - this.#polls.chainTime() <= marginOf(proposal.start, proposal.deadline) / 2;
      const alone = sent.out === undefined || sent.out.isAlone;
      if (opened && (late || alone)) {
        tasks.start(`vote directly ${key}`, async () => {
          const { support } = sent.ballot;
          const { castVote } = sent.node.client;
          try {
            const receipt = await castVote({ proposalId: proposal.id, support, reason: sent.reason });
            logger.info("voted directly", {
              proposalId: proposal.id,
              support,
              why: alone ? "no peer hears" : "the vote ends soon",
              transaction: receipt.hash,
              gas: receipt.gasUsed,
            });
          } catch (error) {
            if (!isRevert(error, "GovernorAlreadyCastVote", "GovernorUnexpectedProposalState")) throw error;
          }
        });
      }
    }
  }

  async #settleAll(): Promise<void> {
    for (const proposal of this.#polls.active) {
      await this.#settler.look(proposal, this.#polls.chainTime(), this.#stopping.signal);
    }
  }

  /** Forgets votes that have ended, and those that never began. */
  async #dropEnded(): Promise<void> {
    const own = [...this.#own.values()].map(({ ballot }) => ballot.proposalId);
    const held = new Set([...this.#pool.proposals, ...own]);
    for (const proposalId of await this.#polls.over([...held])) await this.#drop(proposalId);
  }

  async #drop(proposalId: ProposalId): Promise<void> {
    this.#polls.end(proposalId);
    this.#settler.forget(proposalId);
    this.#intake.forget(proposalId);
    for (const [key, { ballot }] of this.#own) if (ballot.proposalId === proposalId) this.#own.delete(key);
    for (const [key, { first }] of this.#suspected) if (first.proposalId === proposalId) this.#suspected.delete(key);
    await this.#pool.drop(proposalId);
  }

  /** What was verified cannot be bad, unless memory or disk is: then it is found and left out. */
  async #recheck(ballots: readonly NodeBallot[]): Promise<void> {
    for (const { proposalId, index } of ballots) this.#pool.forget(proposalId, index);
    await this.#intake.restore(ballots);
  }

  #report(equivocation: Equivocation): void {
    const { index, proposalId } = equivocation.first;
    const key = ownKey(proposalId, index);
    // On what nobody proposes a node can sign as much as it likes: it harms nobody, unless it is proposed after all.
    if (this.#polls.viewOf(proposalId) === undefined) {
      this.#suspected.set(key, equivocation);
      return;
    }
    this.#suspected.delete(key);
    const epoch = this.#polls.viewOf(proposalId)?.epoch ?? this.#committees.newest;
    const node = this.#committees.member(index, epoch);
    this.#parameters.logger.warn("a node signed two different ballots", {
      proposalId,
      index,
      operator: node?.operator,
    });
    // One is enough for a ban: more would open more proposals for the same.
    if (node === undefined || this.#equivocations.has(index)) return;
    this.#equivocations.set(index, { node, incident: equivocationIncident(equivocation, node) });
  }
}

/** What an incident says, in one order, without how it ended. */
function plain({ kind, severity, subject, observed, detection }: Incident): unknown {
  return [kind, severity, subject, Object.entries(observed).sort(), detection.probe, detection.threshold];
}

function ownKey(proposalId: ProposalId, index: number): string {
  return `${proposalId} ${index}`;
}

function firstOf(nodes: readonly LocalNode[]): LocalNode {
  const [first] = nodes;
  if (first === undefined) throw new RangeError("an exchange of ballots needs a node");
  return first;
}
