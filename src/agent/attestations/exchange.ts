import type { DirectiveAttestation, IssuedDirective } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { Address, Hex } from "../../records/index.js";
import { FailureLog } from "../../utils/failureLog.js";
import { ThrottledTask } from "../../utils/timing/throttledTask.js";
import { disconnectAbuser, type ExchangeDependencies, SETTLE_SOON_MS } from "../aggregation/exchangeDependencies.js";
import { LatestView } from "../aggregation/latestView.js";
import type { LocalNode } from "../aggregation/localNode.js";
import type { ChainView } from "../chainView.js";
import { OwnStatements } from "../signing/ownStatements.js";
import { type SigningGuard, subjectOfDirective } from "../signing/signingGuard.js";
import type { JournalCare } from "../signing/signingJournal.js";
import { encodeAttestation } from "./message.js";
import { OpenDirectives } from "./openDirectives.js";
import { AttestationPool } from "./pool.js";
import { AttestationSender } from "./sender.js";
import { AttestationSettler } from "./settler.js";
import { type Part, partOf, type Statement, saysTheSame, sideOf } from "./statement.js";
import { type AttestationCounts, AttestationValidator } from "./validator.js";

export interface AttestationExchangeDependencies extends ExchangeDependencies, JournalCare {
  /** The journal of this node's statements. */
  readonly path: string;
  readonly node: LocalNode;
  /** Says what may be signed; undefined if the journal alone does. */
  readonly guard?: Pick<SigningGuard, "permits" | "rolledBack"> | undefined;
  /** How long to wait for more attestations before sending those that do not enact the directive. */
  readonly waitForMoreMs: number;
}

/**
 * Attestations between nodes: sent over one topic a directive registry, verified before they are relayed, aggregated, and
 * settled by the leader, so that one transaction enacts a directive for the whole committee. A node that no peer hears, or
 * whose attestation does not count shortly before the deadline, reports directly. For chains on which BLS signatures can
 * be aggregated.
 */
export class AttestationExchange {
  readonly #dependencies: AttestationExchangeDependencies;
  readonly #statements: OwnStatements;
  readonly #pool: AttestationPool;
  readonly #latest: LatestView;
  readonly #open: OpenDirectives;
  readonly #validator: AttestationValidator;
  readonly #sender: AttestationSender;
  readonly #settler: AttestationSettler;
  readonly #soon: ThrottledTask;
  readonly #stopping = new AbortController();
  /** The topic on which attestations of this registry travel. */
  readonly topic: string;
  #unsubscribe: () => void = () => undefined;

  private constructor(dependencies: AttestationExchangeDependencies, statements: OwnStatements) {
    const { clock, logger, node } = dependencies;
    const { client } = node;
    const context = { chainId: client.chain.chainId, directives: client.chain.addresses.DirectiveRegistry };
    this.topic = `witan/attestations/1/${context.directives.toLowerCase()}`;
    this.#dependencies = dependencies;
    this.#statements = statements;
    this.#pool = new AttestationPool(clock);
    this.#latest = new LatestView(clock);
    this.#open = new OpenDirectives({
      client,
      clock,
      latest: this.#latest,
      signal: this.#stopping.signal,
      onError: (error) => logger.debug("a directive could not be read", { reason: messageOf(error) }),
    });
    const shared = {
      ...{ ...dependencies, client, context, self: node.account, statements, topic: this.topic },
      ...{ pool: this.#pool, open: this.#open, latest: this.#latest },
    };
    this.#validator = new AttestationValidator({
      ...shared,
      onAbuse: disconnectAbuser(dependencies, "attestations"),
      onAttestation: () => this.#soon.schedule(),
      onContradiction: ({ first, second }) => {
        const { directiveId, index } = first;
        const said = { directiveId, index, first: sideOf(first), second: sideOf(second) };
        logger.warn("a node attests two different things: the first counts", said);
      },
    });
    this.#settler = new AttestationSettler({
      ...shared,
      recheck: (attestations) => this.#validator.recheck(attestations),
    });
    this.#sender = new AttestationSender({
      ...shared,
      countedOf: (directiveId) => this.#settler.countedOf(directiveId),
    });
    const failures = new FailureLog(logger, "attestations could not be settled yet", "attestations are settled again");
    this.#soon = new ThrottledTask(
      async () => {
        await this.#settle();
        failures.succeeded();
      },
      SETTLE_SOON_MS,
      (error) => failures.failed(error),
    );
  }

  /** Opens the journal and subscribes. Nothing is settled before the first {@link update}. */
  static async open(dependencies: AttestationExchangeDependencies): Promise<AttestationExchange> {
    const exchange = new AttestationExchange(dependencies, await OwnStatements.open(dependencies.path, dependencies));
    // The validator has put the attestation into the pool already.
    exchange.#unsubscribe = dependencies.gossip.subscribe(exchange.topic, () => undefined, {
      validate: (bytes, _from, relay) => exchange.#validator.check(bytes, relay),
    });
    return exchange;
  }

  get counts(): AttestationCounts {
    return this.#validator.counts;
  }

  /** Continues from a snapshot of the chain. */
  async update(view: ChainView): Promise<void> {
    this.#latest.update(view);
    this.#open.update(view.directives);
    this.#settler.beginCycle();
    await this.#dropEnded();
    await this.#adopt();
    await this.#sender.resume();
    await this.#settle();
    await this.#sender.sendAgain();
  }

  /** How many statements of this node are in its journal. */
  get journalled(): number {
    return this.#statements.size;
  }

  /** The attestations of a node on what is open, as they travel. */
  signedBy(account: Address): Uint8Array[] {
    return this.#open.list.flatMap(({ epoch, id }) => {
      const member = this.#latest.committees.ofAccount(account, epoch);
      return this.#pool
        .list(id)
        .flatMap(({ message }) => (message.index === member?.index ? [encodeAttestation(message)] : []));
    });
  }

  /** Takes an attestation that a peer returns, if it is good. */
  async take(message: Uint8Array, peer: string): Promise<void> {
    await this.#validator.check(message, peer);
  }

  /** Whether this node is of the committee that reports on a directive. */
  reportsOn({ epoch }: IssuedDirective): boolean {
    return this.#latest.committees.ofAccount(this.#dependencies.node.account, epoch) !== undefined;
  }

  /** What this node has said of a directive, whether or not it counts already. */
  own(directiveId: Hex, part: Part): Statement | undefined {
    return this.#statements.get(directiveId, part);
  }

  /** What nodes are known to say of a directive, as they have signed it, in the order in which it came. */
  heard({ epoch, id }: IssuedDirective): Pick<DirectiveAttestation, "node" | "report" | "outcome">[] {
    return this.#pool.list(id).flatMap(({ message: { index, outcome, report } }) => {
      const member = this.#latest.committees.member(index, epoch);
      return member === undefined ? [] : [{ node: member.agent, report, outcome }];
    });
  }

  /**
   * Records what this node says of a directive, signs it and sends it to all nodes; nothing if it is not of the committee, or
   * may not sign.
   *
   * @throws AttestedOtherwiseError if it has said something else.
   */
  async attest(directive: IssuedDirective, said: Pick<Statement, "report" | "outcome">): Promise<void> {
    const { epoch, id } = directive;
    const { guard, logger, node } = this.#dependencies;
    const member = this.#latest.committees.ofAccount(node.account, epoch);
    if (member === undefined) return;
    const recorded = this.#statements.get(id, partOf(said));
    const place = { directiveId: id, index: member.index, report: said.report };
    const heard = recorded === undefined ? this.#pool.get(place) : undefined;
    if (heard !== undefined && !saysTheSame(heard, said)) {
      const what = "this node's key has signed another attestation: is its journal lost, or does it run twice?";
      logger.error(what, { directiveId: id, signed: sideOf(heard) });
    }
    // Carrying it out took time, in which the guard may have closed.
    const isNew = recorded === undefined && heard === undefined;
    if (isNew && guard?.permits(subjectOfDirective(directive)) === false) return;
    // A second, different attestation would be a contradiction: the signed one stands.
    await this.#sender.send(await this.#statements.record(heard ?? { directiveId: id, ...said }), member);
    this.#soon.schedule();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#soon.stop();
    this.#unsubscribe();
    await this.#statements.close();
  }

  /** Records what this node's key has signed and its journal does not hold: the signed word stands. */
  async #adopt(): Promise<void> {
    const { guard, logger, node } = this.#dependencies;
    for (const { epoch, id } of this.#open.list) {
      const member = this.#latest.committees.ofAccount(node.account, epoch);
      for (const { message } of member === undefined ? [] : this.#pool.list(id)) {
        if (message.index !== member?.index || this.#statements.get(id, partOf(message)) !== undefined) continue;
        logger.error("this node's key has signed an attestation that its journal does not hold", {
          directiveId: id,
          signed: sideOf(message),
        });
        await this.#statements.record(message);
        await guard?.rolledBack();
      }
    }
  }

  async #settle(): Promise<void> {
    for (const directive of this.#open.list) {
      const mayChange = directive.departed.length > 0 || this.#pool.list(directive.id).length > 0;
      if (mayChange) await this.#settler.update(directive, this.#stopping.signal);
    }
  }

  /** Forgets directives that have ended, for whatever reason. */
  async #dropEnded(): Promise<void> {
    for (const directiveId of new Set([...(this.#pool.subjects as readonly Hex[]), ...this.#sender.directives])) {
      if ((this.#open.get(directiveId) ?? (await this.#open.refresh(directiveId))) !== undefined) continue;
      this.#pool.drop(directiveId);
      this.#settler.forget(directiveId);
      this.#validator.forget(directiveId);
      this.#sender.forget(directiveId);
    }
  }
}
