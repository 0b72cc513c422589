import type { DirectiveAttestation, IssuedDirective } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { Gossip } from "../../ports/gossip/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import type { Hex } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { Soon } from "../../utils/soon.js";
import { MUTED_MS } from "../aggregation/peerRateLimiter.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { LocalNode } from "../ballots/sign.js";
import type { ChainView } from "../chainView.js";
import { OwnStatements } from "../signing/ownStatements.js";
import { OpenDirectives } from "./openDirectives.js";
import { AttestationPool } from "./pool.js";
import { AttestationSender } from "./sender.js";
import { AttestationSettler } from "./settler.js";
import { type Attestation, type Part, partOf, type Statement, saysTheSame, sideOf } from "./statement.js";
import { type AttestationCounts, AttestationValidator } from "./validator.js";

/** Attestations come in bursts: one look at them after the last is enough. */
const SETTLE_SOON_MS = 100;

export interface AttestationExchangeDependencies {
  /** The journal of what this node says. */
  readonly path: string;
  readonly node: LocalNode;
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  readonly bls: BlsLibrary;
  readonly clock: Clock;
  readonly tasks: BackgroundJobs;
  readonly logger: Logger;
  /** How long attestations that enact nothing wait for others, so that one transaction brings many. */
  readonly stragglersMs: number;
  /** Ends the connection to a peer that sends bad attestations, and takes none for so many milliseconds. */
  readonly refusePeer?: ((peer: string, milliseconds: number) => void) | undefined;
}

/**
 * Attestations between nodes: sent over one topic a directive registry, verified before they are relayed, added up and
 * settled by whoever's turn it is, so that one transaction enacts a directive for the whole committee. A node that hears
 * nobody, or whose attestation does not count as the deadline comes near, reports directly. For chains on which BLS
 * signatures can be added up.
 */
export class AttestationExchange {
  readonly #parameters: AttestationExchangeDependencies;
  readonly #statements: OwnStatements;
  readonly #pool: AttestationPool;
  readonly #open: OpenDirectives;
  readonly #intake: AttestationValidator;
  readonly #sender: AttestationSender;
  readonly #settler: AttestationSettler;
  readonly #soon: Soon;
  readonly #stopping = new AbortController();
  /** On which attestations of this registry travel. */
  readonly topic: string;
  #end: () => void = () => undefined;

  private constructor(parameters: AttestationExchangeDependencies, statements: OwnStatements) {
    const { bls, clock, gossip, logger, node, stragglersMs, tasks } = parameters;
    const { client } = node;
    const now = () => clock.now();
    const context = { chainId: client.chain.chainId, directives: client.chain.addresses.DirectiveRegistry };
    const pool = new AttestationPool(now);
    const topic = `witan/attestations/1/${context.directives.toLowerCase()}`;
    const open = new OpenDirectives({
      client,
      now,
      signal: this.#stopping.signal,
      onError: (error) => logger.debug("a directive could not be looked up", { reason: messageOf(error) }),
    });
    this.#parameters = parameters;
    this.#statements = statements;
    this.#pool = pool;
    this.#open = open;
    this.topic = topic;
    this.#intake = new AttestationValidator({
      context,
      bls,
      pool,
      open,
      now,
      onAbuse: (peer) => {
        logger.warn("a peer sends bad attestations and is cut off", { peer });
        parameters.refusePeer?.(peer, MUTED_MS);
      },
      onAttestation: () => this.#soon.ask(),
      onContradiction: (first, second) => {
        const { directiveId, index } = first;
        const said = { directiveId, index, first: sideOf(first), second: sideOf(second) };
        logger.warn("a node attests two different things: the first counts", said);
      },
    });
    const recheck = (attestations: readonly Attestation[]) => this.#intake.recheck(attestations);
    const shared = { pool, open, tasks, logger, now };
    this.#settler = new AttestationSettler({ ...shared, self: node.operator, client, stragglersMs, recheck });
    const countedOf = (directiveId: Hex) => this.#settler.countedOf(directiveId);
    this.#sender = new AttestationSender({ ...shared, node, context, topic, gossip, bls, statements, countedOf });
    this.#soon = new Soon(
      () => this.#settleAll(),
      SETTLE_SOON_MS,
      (error) => logger.warn("attestations could not be settled yet", { reason: messageOf(error) }),
    );
  }

  /** Opens the journal and listens. Nothing is settled before the first {@link update}. */
  static async open(parameters: AttestationExchangeDependencies): Promise<AttestationExchange> {
    const exchange = new AttestationExchange(parameters, await OwnStatements.open(parameters.path));
    // The validator has put it into the pool already.
    exchange.#end = parameters.gossip.subscribe(exchange.topic, () => undefined, {
      validate: (bytes, _from, relay) => exchange.#intake.check(bytes, relay),
    });
    return exchange;
  }

  get counts(): AttestationCounts {
    return this.#intake.counts;
  }

  /** Goes on from a snapshot of the chain. */
  async update(view: ChainView): Promise<void> {
    this.#open.update(view);
    this.#settler.forgetCounted();
    await this.#dropEnded();
    await this.#sender.resume();
    await this.#settleAll();
    await this.#sender.sendAgain();
  }

  /** Whether this node is of the committee that reports on a directive. */
  reportsOn({ epoch }: IssuedDirective): boolean {
    return this.#open.committees.ofOperator(this.#parameters.node.operator, epoch) !== undefined;
  }

  /** What this node has said of a directive, whether or not it counts already. */
  own(directiveId: Hex, part: Part): Statement | undefined {
    return this.#statements.get(directiveId, part);
  }

  /** What nodes are known to say of a directive, as they have signed it, in the order in which it came. */
  heard({ epoch, id }: IssuedDirective): Pick<DirectiveAttestation, "node" | "report" | "outcome">[] {
    return this.#pool.list(id).flatMap(({ attestation: { index, outcome, report } }) => {
      const member = this.#open.committees.member(index, epoch);
      return member === undefined ? [] : [{ node: member.operator, report, outcome }];
    });
  }

  /**
   * Writes down what this node says of a directive, signs it and sends it to all nodes. Nothing, where it is not of the
   * committee.
   *
   * @throws AttestedOtherwiseError where it has said something else.
   */
  async attest({ epoch, id }: IssuedDirective, said: Pick<Statement, "report" | "outcome">): Promise<void> {
    const { logger, node } = this.#parameters;
    const member = this.#open.committees.ofOperator(node.operator, epoch);
    if (member === undefined) return;
    const recorded = this.#statements.get(id, partOf(said));
    const heard = recorded === undefined ? this.#pool.get(id, member.index, partOf(said)) : undefined;
    if (heard !== undefined && !saysTheSame(heard, said)) {
      logger.error("this node's key has signed another attestation: is its journal lost, or does it run twice?", {
        directiveId: id,
        signed: sideOf(heard),
      });
    }
    // What its key has signed it stands by: another attestation would betray it.
    await this.#sender.send(await this.#statements.record(heard ?? { directiveId: id, ...said }), member);
    this.#soon.ask();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#soon.stop();
    this.#end();
    await this.#statements.close();
  }

  async #settleAll(): Promise<void> {
    for (const directive of this.#open.list) {
      if (this.#pool.list(directive.id).length > 0) await this.#settler.look(directive, this.#stopping.signal);
    }
  }

  /** Forgets directives that have ended, by whatever path. */
  async #dropEnded(): Promise<void> {
    for (const directiveId of new Set([...this.#pool.directives, ...this.#sender.directives])) {
      if ((this.#open.get(directiveId) ?? (await this.#open.refresh(directiveId))) !== undefined) continue;
      this.#pool.drop(directiveId);
      this.#settler.forget(directiveId);
      this.#intake.forget(directiveId);
      this.#sender.forget(directiveId);
    }
  }
}
