import type { Client, IssuedDirective } from "../../client/index.js";
import { type AttestReason, whenToAttest } from "../../policy/index.js";
import { indicesOf } from "../../ports/chain/bitset.js";
import { isRevert } from "../../ports/chain/index.js";
import type { Address, Hex } from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";
import { LeaderSchedule } from "../aggregation/leaderSchedule.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import { marginOf } from "../ballots/settler.js";
import { CountedReports } from "./counted.js";
import type { OpenDirectives } from "./openDirectives.js";
import type { AttestationPool, PooledAttestation } from "./pool.js";
import { type Attestation, partOf, saysTheSame, sideOf } from "./statement.js";

/** Others may settle at the same moment: what they took is left out the next time. */
const ATTEMPTS = 5;

export interface AttestationSettlerDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly pool: AttestationPool;
  readonly open: OpenDirectives;
  readonly tasks: BackgroundJobs;
  readonly logger: Logger;
  /** Milliseconds. */
  readonly now: () => number;
  readonly stragglersMs: number;
  /** Verifies attestations one by one and forgets those that are not good. */
  readonly recheck: (attestations: readonly Attestation[]) => Promise<void>;
}

/** Pending attestations that say the same. */
interface Side {
  readonly statement: Attestation;
  readonly pending: readonly PooledAttestation[];
}

/**
 * Brings attestations to the chain, one transaction for all that say the same. Whose duty it is follows from the directive
 * and its committee; each further one in that order comes in a step later.
 */
export class AttestationSettler {
  readonly #dependencies: AttestationSettlerDependencies;
  readonly #line: LeaderSchedule;
  /** As read since the last look, or being read. */
  readonly #counted = new Map<Hex, Promise<CountedReports>>();
  /** For which each directive has a place in the line. */
  readonly #keys = new Map<Hex, Set<string>>();

  constructor(dependencies: AttestationSettlerDependencies) {
    this.#dependencies = dependencies;
    this.#line = new LeaderSchedule(dependencies.now, dependencies.client.chain.tip);
  }

  /** Looks at a directive that is issued, and settles what it is this node's turn to settle. */
  async look(directive: IssuedDirective, signal: AbortSignal): Promise<void> {
    const { logger, self, tasks } = this.#dependencies;
    const counted = await this.countedOf(directive.id);
    const sides = this.#sidesOf(directive, counted);
    const ending = counted.anyEnded || sides.some(({ statement }) => partOf(statement) === "end");
    for (const side of sides) {
      const { statement } = side;
      const key = `${directive.id} ${sideOf(statement)}`;
      const reason = this.#reasonFor(directive, side, counted, ending);
      if (reason === undefined) {
        this.#line.end(key);
        continue;
      }
      this.#keys.set(directive.id, (this.#keys.get(directive.id) ?? new Set()).add(key));
      if (!this.#dueFor(directive, statement, key).has(self.toLowerCase()) || signal.aborted) continue;
      tasks.start(`attest ${key}`, async () => {
        const settled = await this.#settle(directive, statement);
        if (settled === undefined) return;
        const { outcome, report } = statement;
        logger.info("settled attestations", { directive: directive.id, report, outcome, why: reason, ...settled });
      });
    }
  }

  /** What is on chain of a directive: read once a look, however many ask. */
  countedOf(directiveId: Hex, fresh = false): Promise<CountedReports> {
    const known = this.#counted.get(directiveId);
    if (!fresh && known !== undefined) return known;
    const counted = this.#dependencies.client
      .listReports({ directiveId })
      .then((reports) => new CountedReports(reports));
    this.#counted.set(directiveId, counted);
    // Whoever asked is told of a failure; whoever asks next is not.
    counted.catch(() => this.#counted.delete(directiveId));
    return counted;
  }

  /** What was read of the chain is read again: it may have changed, also back. */
  forgetCounted(): void {
    this.#counted.clear();
  }

  /** The directive has ended. */
  forget(directiveId: Hex): void {
    for (const key of this.#keys.get(directiveId) ?? []) this.#line.end(key);
    this.#keys.delete(directiveId);
    this.#counted.delete(directiveId);
  }

  #sidesOf(directive: IssuedDirective, counted: CountedReports): Side[] {
    const { open, pool } = this.#dependencies;
    const sides = new Map<string, Side & { readonly pending: PooledAttestation[] }>();
    for (const known of pool.list(directive.id)) {
      const { attestation } = known;
      const member = open.committees.member(attestation.index, directive.epoch);
      if (member === undefined || counted.has(member.operator, attestation)) continue;
      const key = sideOf(attestation);
      const side = sides.get(key) ?? { statement: attestation, pending: [] };
      side.pending.push(known);
      sides.set(key, side);
    }
    return [...sides.values()];
  }

  #reasonFor(
    directive: IssuedDirective,
    { pending, statement }: Side,
    counted: CountedReports,
    ending: boolean,
  ): AttestReason | undefined {
    const { now, open, stragglersMs } = this.#dependencies;
    if (!open.takes(directive, partOf(statement))) return undefined;
    const oldest = pending.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY);
    return whenToAttest({
      report: statement.report,
      committeeSize: directive.committeeSize,
      counted: counted.of(statement),
      pending: pending.length,
      own: this.#saysSo(directive, statement),
      ending,
      secondsLeft: open.secondsLeft(directive),
      marginSeconds: marginOf(directive.activeAt, directive.deadline),
      waitedMs: now() - oldest,
      stragglersMs,
    });
  }

  /** Whether this node itself says the same. */
  #saysSo({ epoch, id }: IssuedDirective, statement: Attestation): boolean {
    const { open, pool, self } = this.#dependencies;
    const member = open.committees.ofOperator(self, epoch);
    const own = member && pool.get(id, member.index, partOf(statement));
    return own !== undefined && saysTheSame(own, statement);
  }

  #dueFor({ epoch, id }: IssuedDirective, statement: Attestation, key: string): ReadonlySet<string> {
    // Mostly two different nodes: whoever waits for the block of the one is not kept from the other.
    const task = partOf(statement) === "ready" ? `ready ${id}` : `attest ${id}`;
    return this.#line.due({ key, task, nodes: () => this.#dependencies.open.committees.operators(epoch) });
  }

  /** One transaction; undefined where others have settled everything, or the directive has ended. */
  async #settle(
    { id }: IssuedDirective,
    statement: Attestation,
  ): Promise<{ attestations: number; transaction: string; gas: bigint } | undefined> {
    const { client, open } = this.#dependencies;
    const { outcome, report } = statement;
    const taken = new Set<number>();
    for (let attempt = 1; ; attempt++) {
      const directive = await open.refresh(id);
      if (directive === undefined) return undefined;
      const sides = this.#sidesOf(directive, await this.countedOf(id, true));
      const side = sides.find((each) => saysTheSame(each.statement, statement));
      const attestations = (side?.pending ?? []).flatMap(({ attestation }) =>
        taken.has(attestation.index) ? [] : [attestation],
      );
      if (attestations.length === 0) return undefined;
      try {
        const parameters = { directiveId: id, report, outcome: outcome ?? undefined, attestations };
        const { gasUsed, hash } = await client.attestDirective(parameters);
        return { attestations: attestations.length, transaction: hash, gas: gasUsed };
      } catch (error) {
        if (isRevert(error, "DirectiveRegistryLapsed")) return undefined;
        if (attempt >= ATTEMPTS) throw error;
        if (isRevert(error, "DirectiveRegistryReportsOverlap")) {
          // Some of it may wait for its block, so that no event tells of it yet.
          for (const index of overlapOf(error.args)) taken.add(index);
        } else if (isRevert(error, "NodeRegistryInvalidSignature")) {
          await this.#dependencies.recheck(attestations);
        } else throw error;
      }
    }
  }
}

/** The indices that an overlap names: bits of one word of 256. */
function overlapOf({ bits, word }: Readonly<Record<string, unknown>>): number[] {
  return indicesOf([BigInt(bits as bigint)]).map((bit) => Number(word) * 256 + bit);
}
