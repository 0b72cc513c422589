import type { NodeSummary } from "../../client/index.js";
import { isRevert, type ReportContext } from "../../ports/chain/index.js";
import type { Gossip } from "../../ports/gossip/index.js";
import { type BlsLibrary, blsPublicKey } from "../../ports/keys/index.js";
import type { Hex } from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";
import { Rebroadcast } from "../aggregation/rebroadcast.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import { marginOf } from "../ballots/settler.js";
import type { LocalNode } from "../ballots/sign.js";
import type { OwnStatements } from "../signing/ownStatements.js";
import type { CountedReports } from "./counted.js";
import { encodeAttestation } from "./message.js";
import type { OpenDirectives } from "./openDirectives.js";
import type { AttestationPool } from "./pool.js";
import { signAttestation } from "./sign.js";
import { type Part, partOf, type Statement } from "./statement.js";

const PARTS: readonly Part[] = ["ready", "end"];

export interface AttestationSenderDependencies {
  readonly node: LocalNode;
  readonly context: ReportContext;
  readonly topic: string;
  readonly gossip: Pick<Gossip, "publish">;
  readonly bls: BlsLibrary;
  readonly statements: OwnStatements;
  readonly pool: AttestationPool;
  readonly open: OpenDirectives;
  /** What is on chain of a directive. */
  readonly countedOf: (directiveId: Hex) => Promise<CountedReports>;
  readonly tasks: BackgroundJobs;
  readonly logger: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

interface Sent {
  readonly statement: Statement;
  /** Undefined where it cannot be signed with the key that the registry has: after a rotation, in an epoch before it. */
  readonly out: Rebroadcast | undefined;
}

/** Sends what this node says until it counts, and takes it to the chain where nobody else does. */
export class AttestationSender {
  readonly #dependencies: AttestationSenderDependencies;
  readonly #key: Hex;
  readonly #sent = new Map<string, Sent>();

  constructor(dependencies: AttestationSenderDependencies) {
    this.#dependencies = dependencies;
    this.#key = blsPublicKey(dependencies.node.blsSecret);
  }

  /** On which this node has said something. */
  get directives(): readonly Hex[] {
    return [...this.#sent.values()].map(({ statement }) => statement.directiveId);
  }

  /** Signs what is on disk, as the member that this node is, and sends it. What was sent before is not sent at once again. */
  async send(statement: Statement, { index, key }: NodeSummary): Promise<void> {
    const { bls, context, gossip, logger, node, now, pool, topic } = this.#dependencies;
    const place = placeOf(statement.directiveId, partOf(statement));
    if (this.#sent.has(place)) return;
    if (this.#key !== key) {
      logger.warn("this node's key is not the one that others know", { ...statement, index });
      this.#sent.set(place, { statement, out: undefined });
      return;
    }
    const attestation = signAttestation({ bls, blsSecret: node.blsSecret, context, index, statement });
    pool.add(attestation);
    const out = new Rebroadcast({ gossip, topic, bytes: encodeAttestation(attestation), now, logger });
    this.#sent.set(place, { statement, out });
    await out.send();
    logger.info("sent an attestation", { ...statement, peers: out.recipients });
  }

  /** Goes on with what was on disk when the node was started, where it does not count. */
  async resume(): Promise<void> {
    const { countedOf, node, open, statements } = this.#dependencies;
    for (const directive of open.list) {
      const member = open.committees.ofOperator(node.operator, directive.epoch);
      for (const part of PARTS) {
        const statement = statements.get(directive.id, part);
        if (member === undefined || statement === undefined || this.#sent.has(placeOf(directive.id, part))) continue;
        if (!(await countedOf(directive.id)).has(node.operator, statement)) await this.send(statement, member);
      }
    }
  }

  /** Whatever does not count yet is sent again, and reported directly where that is safer. */
  async sendAgain(): Promise<void> {
    const { countedOf, node, open, tasks } = this.#dependencies;
    for (const [place, { out, statement }] of this.#sent) {
      const part = partOf(statement);
      const directive = open.get(statement.directiveId);
      if (directive === undefined || !open.takes(directive, part)) continue;
      // Who has ended its part is not asked whether it is ready.
      if (part === "ready" && this.#sent.has(placeOf(directive.id, "end"))) continue;
      if ((await countedOf(directive.id)).has(node.operator, statement)) continue;
      await out?.send();
      const margin = marginOf(directive.activeAt, directive.deadline) / 2;
      const late = part === "end" && open.secondsLeft(directive) <= margin;
      const alone = out === undefined || out.isAlone;
      if (late || alone) {
        const why = alone ? "no peer hears" : "the deadline comes near";
        tasks.start(`report directly ${place}`, () => this.#report(statement, why));
      }
    }
  }

  /** The directive has ended. */
  forget(directiveId: Hex): void {
    for (const part of PARTS) this.#sent.delete(placeOf(directiveId, part));
  }

  async #report({ directiveId, outcome, report }: Statement, why: string): Promise<void> {
    const { logger, node } = this.#dependencies;
    try {
      const receipt = await node.client.reportDirective({ directiveId, report, outcome: outcome ?? undefined });
      const { gasUsed: gas, hash: transaction } = receipt;
      logger.info("reported directly", { directiveId, report, outcome, why, transaction, gas });
    } catch (error) {
      if (!isRevert(error, "DirectiveRegistryAlreadyReported", "DirectiveRegistryLapsed")) throw error;
    }
  }
}

function placeOf(directiveId: Hex, part: Part): string {
  return `${directiveId} ${part}`;
}
