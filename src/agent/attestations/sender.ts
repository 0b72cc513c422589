import type { NodeSummary } from "../../client/index.js";
import { isRevert, type ReportContext } from "../../ports/chain/index.js";
import { blsPublicKey } from "../../ports/keys/index.js";
import type { Hex } from "../../records/index.js";
import type { ExchangeDependencies } from "../aggregation/exchangeDependencies.js";
import type { LatestView } from "../aggregation/latestView.js";
import type { LocalNode } from "../aggregation/localNode.js";
import { MessageSender, type MessageStanding } from "../aggregation/sender.js";
import { settlementMargin } from "../aggregation/settlementMargin.js";
import type { OwnStatements } from "../signing/ownStatements.js";
import type { CountedReports } from "./counted.js";
import { encodeAttestation } from "./message.js";
import type { OpenDirectives } from "./openDirectives.js";
import type { AttestationPool } from "./pool.js";
import { signAttestation } from "./sign.js";
import { type Part, partOf, type Statement } from "./statement.js";

const PARTS: readonly Part[] = ["ready", "end"];

export interface AttestationSenderDependencies
  extends Pick<ExchangeDependencies, "gossip" | "bls" | "clock" | "jobs" | "logger"> {
  readonly node: LocalNode;
  readonly context: ReportContext;
  readonly topic: string;
  readonly statements: OwnStatements;
  readonly pool: AttestationPool;
  readonly open: OpenDirectives;
  readonly latest: LatestView;
  /** What is on chain of a directive. */
  readonly countedOf: (directiveId: Hex) => Promise<CountedReports>;
}

/** Sends this node's attestations until they count, and reports them directly if no other node brings them to the chain. */
export class AttestationSender {
  readonly #dependencies: AttestationSenderDependencies;
  readonly #sender: MessageSender<Statement>;
  readonly #key: Hex;

  constructor(dependencies: AttestationSenderDependencies) {
    this.#dependencies = dependencies;
    this.#key = blsPublicKey(dependencies.node.blsSecret);
    this.#sender = new MessageSender({
      ...dependencies,
      jobName: "report directly",
      standingOf: (statement) => this.#standingOf(statement),
      sendDirectly: (statement, why) => this.#report(statement, why),
    });
  }

  /** On which this node has sent an attestation. */
  get directives(): readonly Hex[] {
    return this.#sender.messages.map(({ directiveId }) => directiveId);
  }

  /** Signs a statement that is on disk, as the member that this node is, and sends it; nothing if it was sent before. */
  async send(statement: Statement, { index, key }: NodeSummary): Promise<void> {
    const { bls, context, logger, node, pool } = this.#dependencies;
    const place = keyOf(statement.directiveId, partOf(statement));
    if (this.#sender.has(place)) return;
    // An account that is operator and agent at once may have had another BLS key in this epoch.
    if (this.#key !== key) {
      logger.warn("this node's key is not the one that others know", { ...statement, index });
      await this.#sender.send(place, statement, undefined);
      return;
    }
    const attestation = signAttestation({ bls, blsSecret: node.blsSecret, context, index, statement });
    pool.add(attestation);
    const peers = await this.#sender.send(place, statement, encodeAttestation(attestation));
    logger.info("sent an attestation", { ...statement, peers });
  }

  /** Sends what was on disk when the node was started and does not count. */
  async resume(): Promise<void> {
    const { countedOf, latest, node, open, statements } = this.#dependencies;
    for (const directive of open.list) {
      const member = latest.committees.ofAccount(node.account, directive.epoch);
      for (const part of PARTS) {
        const statement = statements.get(directive.id, part);
        if (member === undefined || statement === undefined || this.#sender.has(keyOf(directive.id, part))) continue;
        if (!(await countedOf(directive.id)).has(node.account, statement)) await this.send(statement, member);
      }
    }
  }

  /** Sends again what does not count yet, and directly where that is safer. */
  async sendAgain(): Promise<void> {
    await this.#sender.sendAgain();
  }

  /** The directive has ended. */
  forget(directiveId: Hex): void {
    this.#sender.forget((statement) => statement.directiveId === directiveId);
  }

  async #standingOf(statement: Statement): Promise<MessageStanding | undefined> {
    const { countedOf, latest, node, open } = this.#dependencies;
    const part = partOf(statement);
    const directive = open.get(statement.directiveId);
    if (directive === undefined || !open.accepts(directive, part)) return undefined;
    // The registry asks no node that has ended its part whether it is ready.
    if (part === "ready" && this.#sender.has(keyOf(directive.id, "end"))) return undefined;
    const member = latest.committees.ofAccount(node.account, directive.epoch);
    if (member !== undefined && directive.departed.includes(member.index)) return undefined;
    if ((await countedOf(directive.id)).has(node.account, statement)) return undefined;
    const margin = settlementMargin(directive.activeAt, directive.deadline) / 2;
    return { late: part === "end" && open.secondsLeft(directive) <= margin, direct: true };
  }

  async #report({ directiveId, outcome, report }: Statement, why: "alone" | "late"): Promise<void> {
    const { logger, node } = this.#dependencies;
    try {
      const receipt = await node.client.reportDirective({ directiveId, report, outcome: outcome ?? undefined });
      const { gasUsed: gas, hash: transaction } = receipt;
      const said = why === "alone" ? "no peer hears" : "the deadline comes near";
      logger.info("reported directly", { directiveId, report, outcome, why: said, transaction, gas });
    } catch (error) {
      if (!isRevert(error, "DirectiveRegistryAlreadyReported", "DirectiveRegistryLapsed")) throw error;
    }
  }
}

function keyOf(directiveId: Hex, part: Part): string {
  return `${directiveId} ${part}`;
}
