import type { Client, IssuedDirective } from "../../client/index.js";
import { type AttestReason, whenToAttest } from "../../policy/index.js";
import { isRevert } from "../../ports/chain/index.js";
import type { Address, Hex } from "../../records/index.js";
import type { ExchangeDependencies } from "../aggregation/exchangeDependencies.js";
import type { LatestView } from "../aggregation/latestView.js";
import { LeaderSchedule } from "../aggregation/leaders/leaderSchedule.js";
import type { PooledMessage } from "../aggregation/pool.js";
import { settlementMargin } from "../aggregation/settlementMargin.js";
import { type Settlement, submitAggregate } from "../aggregation/settler.js";
import { CountedReports } from "./counted.js";
import type { OpenDirectives } from "./openDirectives.js";
import type { AttestationPool } from "./pool.js";
import { type Attestation, partOf, saysTheSame, sideOf } from "./statement.js";

export interface AttestationSettlerDependencies extends Pick<ExchangeDependencies, "clock" | "jobs" | "logger"> {
  readonly self: Address;
  readonly client: Client;
  readonly pool: AttestationPool;
  readonly open: OpenDirectives;
  readonly latest: LatestView;
  readonly waitForMoreMs: number;
  /** Verifies attestations one by one and removes those that are not good from the pool. */
  readonly recheck: (attestations: readonly Attestation[]) => Promise<void>;
}

/** Pending attestations that say the same. */
interface AttestedSide {
  readonly statement: Attestation;
  readonly pending: readonly PooledMessage<Attestation>[];
}

/**
 * Brings attestations to the chain, one transaction for all that say the same. The directive and its committee determine the
 * leader; further nodes step in one by one.
 */
export class AttestationSettler {
  readonly #dependencies: AttestationSettlerDependencies;
  readonly #schedule: LeaderSchedule;
  /** As read since the last update, or being read. */
  readonly #counted = new Map<Hex, Promise<CountedReports>>();

  constructor(dependencies: AttestationSettlerDependencies) {
    this.#dependencies = dependencies;
    this.#schedule = new LeaderSchedule(dependencies.clock, dependencies.client.chain.tip);
  }

  /** Settles the attestations on a directive, if there is a reason to and it is this node's turn. */
  async update(directive: IssuedDirective, signal: AbortSignal): Promise<void> {
    const { jobs, logger, self } = this.#dependencies;
    const counted = await this.countedOf(directive.id);
    const sides = this.#sidesOf(directive, counted);
    this.#enactIfEnough(directive, counted, signal);
    const ending = counted.anyEnded || sides.some(({ statement }) => partOf(statement) === "end");
    for (const side of sides) {
      const { statement } = side;
      const key = `${directive.id} ${sideOf(statement)}`;
      const reason = this.#reasonFor(directive, side, counted, ending);
      if (reason === undefined) {
        this.#schedule.end(key);
        continue;
      }
      if (!this.#dueFor(directive, statement, key).has(self.toLowerCase()) || signal.aborted) continue;
      jobs.start(
        `attest ${key}`,
        async () => {
          const settled = await this.#settle(directive, statement);
          if (settled === undefined) return;
          const { outcome, report } = statement;
          const { count: attestations, ...sent } = settled;
          const said = { directive: directive.id, report, outcome, why: reason, attestations, ...sent };
          logger.info("settled attestations", said);
        },
        `${side.pending.length}`,
      );
    }
  }

  /** What is on chain of a directive: read once an update, however many callers ask. */
  countedOf(directiveId: Hex, fresh = false): Promise<CountedReports> {
    const known = this.#counted.get(directiveId);
    if (!fresh && known !== undefined) return known;
    const counted = this.#dependencies.client
      .listReports({ directiveId })
      .then((reports) => new CountedReports(reports));
    this.#counted.set(directiveId, counted);
    // The callers so far learn of a failure; the next one reads again.
    counted.catch(() => this.#counted.delete(directiveId));
    return counted;
  }

  /** A cycle begins: what was read from the chain is read again, since a reorganisation may have changed it. */
  beginCycle(): void {
    this.#schedule.update();
    this.#counted.clear();
  }

  /** The directive has ended. */
  forget(directiveId: Hex): void {
    this.#schedule.endAll(`${directiveId} `);
    this.#counted.delete(directiveId);
  }

  #sidesOf(directive: IssuedDirective, counted: CountedReports): AttestedSide[] {
    const { latest, pool } = this.#dependencies;
    const sides = new Map<string, AttestedSide & { readonly pending: PooledMessage<Attestation>[] }>();
    for (const known of pool.list(directive.id)) {
      const attestation = known.message;
      const member = latest.committees.member(attestation.index, directive.epoch);
      // What a node says that has left, or is suspended, enacts nothing; until it returns it would cost gas alone.
      if (member === undefined || directive.departed.includes(attestation.index)) continue;
      if (counted.has(member.agent, attestation)) continue;
      const key = sideOf(attestation);
      const side = sides.get(key) ?? { statement: attestation, pending: [] };
      side.pending.push(known);
      sides.set(key, side);
    }
    return [...sides.values()];
  }

  #reasonFor(
    directive: IssuedDirective,
    { pending, statement }: AttestedSide,
    counted: CountedReports,
    ending: boolean,
  ): AttestReason | undefined {
    const { clock, open, waitForMoreMs } = this.#dependencies;
    if (!open.accepts(directive, partOf(statement))) return undefined;
    const oldest = pending.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY);
    return whenToAttest({
      report: statement.report,
      needed: directive.needed,
      counted: counted.of(statement, this.#departedAccounts(directive)),
      pending: pending.length,
      own: this.#saysSo(directive, statement),
      ending,
      secondsLeft: open.secondsLeft(directive),
      marginSeconds: settlementMargin(directive.activeAt, directive.deadline),
      waitedMs: clock.monotonic() - oldest,
      waitForMoreMs,
    });
  }

  /** Whether this node itself says the same. */
  #saysSo({ epoch, id }: IssuedDirective, statement: Attestation): boolean {
    const { latest, pool, self } = this.#dependencies;
    const member = latest.committees.ofAccount(self, epoch);
    const own = member && pool.get({ directiveId: id, index: member.index, report: statement.report });
    return own !== undefined && saysTheSame(own, statement);
  }

  #dueFor({ epoch, id }: IssuedDirective, statement: Attestation, key: string): ReadonlySet<string> {
    // Mostly two different leaders, so that waiting for the block of one part does not delay the other.
    const task = partOf(statement) === "ready" ? `ready ${id}` : `attest ${id}`;
    return this.#schedule.due({ key, task, nodes: () => this.#dependencies.latest.committees.present(epoch) });
  }

  /**
   * Enacts a directive whose reports are on chain, if they suffice since others of its committee have left it or were suspended: the
   * registry does not notice that by itself.
   */
  #enactIfEnough(directive: IssuedDirective, counted: CountedReports, signal: AbortSignal): void {
    const { jobs, latest, logger, open, self } = this.#dependencies;
    const { departed, epoch, id, needed } = directive;
    const absent = this.#departedAccounts(directive);
    const enough = counted.ends.find((said) => counted.of(said, absent) >= needed);
    const key = `${id} enact`;
    if (departed.length === 0 || enough === undefined || !open.accepts(directive, "end")) {
      this.#schedule.end(key);
      return;
    }
    const nodes = () => latest.committees.present(epoch);
    if (!this.#schedule.due({ key, task: `enact ${id}`, nodes }).has(self.toLowerCase()) || signal.aborted) return;
    jobs.start(`enact ${id}`, () => this.#enact(directive, enough), departed.join());
    logger.debug("a directive has enough reports of those who are present", { directive: id, needed });
  }

  async #enact({ id }: IssuedDirective, { outcome, report }: Pick<Attestation, "report" | "outcome">): Promise<void> {
    const { client, logger, open } = this.#dependencies;
    if (outcome === null || report === "ready" || (await open.refresh(id)) === undefined) return;
    try {
      const { gasUsed: gas, hash: transaction } = await client.enactDirective({ directiveId: id, report, outcome });
      logger.info("enacted a directive", { directive: id, report, outcome, transaction, gas });
    } catch (error) {
      // Others were quicker, or further reports or returns have changed what is needed.
      const isOver = isRevert(
        error,
        ...["DirectiveRegistryNothingNew", "DirectiveRegistryLapsed"],
        ...["DirectiveRegistryTooFew", "DirectiveRegistryOtherHistory"],
      );
      if (!isOver) throw error;
    }
  }

  /** The accounts, in lower case, of those of the committee whose reports enact nothing. */
  #departedAccounts({ departed }: IssuedDirective): ReadonlySet<string> {
    const { committees } = this.#dependencies.latest;
    const nodes = departed.flatMap((index) => committees.get(index) ?? []);
    const accounts = nodes.flatMap(({ agent, formerOperators, operator }) => [agent, operator, ...formerOperators]);
    return new Set(accounts.map((account) => account.toLowerCase()));
  }

  #settle({ id }: IssuedDirective, statement: Attestation): Promise<Settlement | undefined> {
    const { client, open, recheck } = this.#dependencies;
    const { outcome, report } = statement;
    return submitAggregate<Attestation>({
      pending: async () => {
        const directive = await open.refresh(id);
        if (directive === undefined) return [];
        const sides = this.#sidesOf(directive, await this.countedOf(id, true));
        const side = sides.find((each) => saysTheSame(each.statement, statement));
        return (side?.pending ?? []).map(({ message }) => message);
      },
      submit: (attestations) =>
        client.attestDirective({ directiveId: id, report, outcome: outcome ?? undefined, attestations }),
      isOver: (error) => isRevert(error, "DirectiveRegistryLapsed", "DirectiveRegistryNothingNew"),
      recover: async (error, attestations) => {
        if (!isRevert(error, "NodeRegistryInvalidSignature")) return false;
        await recheck(attestations);
        return true;
      },
    });
  }
}
