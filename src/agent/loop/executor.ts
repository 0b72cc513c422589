import type { Client, IssuedDirective } from "../../client/index.js";
import { BaseError, messageOf } from "../../errors.js";
import { maySupersede, supersedes } from "../../policy/index.js";
import {
  type Address,
  type ContentId,
  type DirectivePayload,
  type Hex,
  type Order,
  subjectHash,
} from "../../records/index.js";
import { MAX_TEXT_LENGTH } from "../../records/schemas/bounds.js";
import type { Logger } from "../../utils/logger.js";
import { sameHex } from "../../utils/sameHex.js";
import { fittedText } from "../../utils/text/decode.js";
import { leaderRank } from "../aggregation/leaders/leaderSchedule.js";
import { partOf } from "../attestations/statement.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { ChainView } from "../chainView.js";
import type { DirectiveContext, DirectiveHandler, ExecutionResult, OutcomeCheck } from "../handlers/handler.js";
import type { Outbox } from "../outbox/outbox.js";
import { type SigningGuard, subjectOfDirective } from "../signing/signingGuard.js";
import { mergeReports, type ReportedOutcome, readOutcome, reportedOutcomes } from "./reportedOutcomes.js";
import type { AttestationStrategy } from "./strategies/strategy.js";

export interface ExecutorDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly outbox: Outbox;
  readonly handlers: readonly DirectiveHandler[];
  readonly attestations: AttestationStrategy;
  /** Says what may be signed; undefined if the journal alone does. */
  readonly guard?: Pick<SigningGuard, "permits"> | undefined;
  readonly jobs: BackgroundJobs;
  readonly logger: Logger;
  /** How long each further node in the leader order waits before it takes over, in milliseconds. */
  readonly takeoverMs: number;
}

/** A payload whose kind or subject differs from the directive on chain that cites it. */
export class MisleadingPayloadError extends BaseError {
  constructor(directiveId: string) {
    super(
      "misleading-payload",
      `The payload of directive ${directiveId} has another kind or subject than the directive.`,
    );
  }
}

/** The chain's time of the cycle, in seconds, and the nodes that may lead then. */
interface DirectiveMoment {
  readonly chainTime: number;
  /** The nodes that may lead. */
  readonly committee: readonly Address[];
  /** Whether this node is suspended. */
  readonly isSuspended: boolean;
}

/**
 * Executes the directives that were issued. The first node in a directive's leader order executes it and reports an
 * Outcome; the others verify that outcome and attest it. The next node takes over if none has reported in time. Reports
 * that nodes have sent each other count like those on chain.
 */
export class Executor {
  readonly #dependencies: ExecutorDependencies;
  /** When nodes first reported an outcome that this node does not see: by directive, in seconds of chain time. */
  readonly #refused = new Map<Hex, number>();
  /** What was prepared for which directives, and whether there was anything to prepare. */
  readonly #prepared = new Map<Hex, boolean>();

  constructor(dependencies: ExecutorDependencies) {
    this.#dependencies = dependencies;
  }

  /** Starts what this node has to do for every directive that is active and not enacted. */
  tick(view: Pick<ChainView, "chainTime" | "committees" | "directives">, signal: AbortSignal): void {
    const { chainTime, committees, directives } = view;
    const { self } = this.#dependencies;
    const committee = committees.present(committees.newest);
    const open = new Set(directives.map(({ id }) => id));
    for (const known of [this.#refused, this.#prepared])
      for (const id of known.keys()) if (!open.has(id)) known.delete(id);
    for (const directive of directives) {
      if (directive.status !== "Issued") continue;
      const isSuspended = committees.isSuspended(self);
      if (chainTime < directive.activeAt) {
        const { jobs } = this.#dependencies;
        jobs.start(`prepare ${directive.id}`, () => this.#prepareAhead(directive, isSuspended, signal));
        continue;
      }
      this.#dependencies.jobs.start(
        `directive ${directive.id}`,
        () => this.#handle(directive, { committee, chainTime, isSuspended }, signal),
        // What other nodes report may be what this one could not find out itself.
        `${isSuspended} ${this.#dependencies.attestations.received(directive).length}`,
      );
    }
  }

  async #handle(
    directive: IssuedDirective,
    { chainTime, committee, isSuspended }: DirectiveMoment,
    signal: AbortSignal,
  ): Promise<void> {
    const { attestations, client, jobs, self } = this.#dependencies;
    if (attestations.ownStatement(directive.id, "end") !== undefined) return;
    const onChain = await client.listReports({ directiveId: directive.id });
    const reports = mergeReports(onChain, attestations.received(directive));
    const own = reports.filter(({ node }) => sameHex(node, self));
    if (own.some((report) => partOf(report) === "end")) return;

    const order = await this.#readOrder(directive, signal);
    const handler = await this.#handlerOf(order, signal);
    // A node says nothing of what it can neither carry out nor see: another leads.
    if (handler === undefined) return;
    const context: DirectiveContext = { directiveId: directive.id, order, signal };
    const mayReport = this.#mayReport(directive, isSuspended);
    // Beside the rest: a node that cannot have what the order needs still sees what others report.
    if (own.length === 0) {
      const { id } = directive;
      jobs.start(`prepare ${id}`, () => this.#prepare(directive, handler, context, mayReport));
    }
    if (handler.assist) jobs.start(`assist ${directive.id}`, () => handler.assist?.(context) ?? Promise.resolve());
    // A node that became a member after the issue helps, but its reports do not count.
    if (!mayReport) return;

    if (!handler.isLeaderless) {
      const later = await this.#supersededBy(directive, order, signal);
      const outcomes = reportedOutcomes(reports);
      if (await this.#attestAny(directive, outcomes, context, afterSuperseding(handler, later))) return;
      const rank = Math.max(0, leaderRank(directive.id, committee, self));
      if (chainTime < this.#turnAt(directive, outcomes.length > 0, rank, chainTime)) return;
      if (later !== undefined) return await this.#report(directive, supersededResult(order, later));
      // Another node may have taken over while the first in the order was away: both would execute the directive.
      const mayHaveLeader = rank > 0 || chainTime >= directive.activeAt + this.#dependencies.takeoverMs / 1_000;
      if (mayHaveLeader && handler.hasLeader?.(directive.id)) return;
    }
    const result = await handler.execute(context);
    if (result !== undefined) await this.#report(directive, result);
  }

  /** Fetches what an order needs before it may be carried out. */
  async #prepareAhead(directive: IssuedDirective, isSuspended: boolean, signal: AbortSignal): Promise<void> {
    const { client, self } = this.#dependencies;
    const reports = await client.listReports({ directiveId: directive.id });
    if (reports.some(({ node }) => sameHex(node, self))) return;
    const order = await this.#readOrder(directive, signal);
    const context: DirectiveContext = { directiveId: directive.id, order, signal };
    const handler = await this.#handlerOf(order, signal);
    await this.#prepare(directive, handler, context, this.#mayReport(directive, isSuspended));
  }

  /** Has a handler fetch what its order needs, and reports `ready` once it is here. */
  async #prepare(
    directive: IssuedDirective,
    handler: DirectiveHandler | undefined,
    context: DirectiveContext,
    mayReport: boolean,
  ): Promise<void> {
    const { attestations } = this.#dependencies;
    const { id } = directive;
    if (handler?.prepare === undefined || attestations.ownStatement(id, "ready") !== undefined) return;
    const isPrepared = this.#prepared.get(id) ?? (await handler.prepare(context));
    this.#prepared.set(id, isPrepared);
    // Meanwhile it may have said how the directive ended, after which nobody asks whether it is ready.
    if (!isPrepared || !mayReport || attestations.ownStatement(id, "end") !== undefined) return;
    await attestations.report(directive, { report: "ready", outcome: null });
  }

  /** The first that is for the order. */
  async #handlerOf(order: Order, signal: AbortSignal): Promise<DirectiveHandler | undefined> {
    for (const handler of this.#dependencies.handlers.filter(({ kinds }) => kinds.includes(order.kind)))
      if ((await handler.concerns?.(order, signal)) !== false) return handler;
    return undefined;
  }

  /** A suspended node helps, but neither leads nor reports until it has returned. */
  #mayReport(directive: IssuedDirective, isSuspended: boolean): boolean {
    const { attestations, guard } = this.#dependencies;
    const maySign = guard?.permits(subjectOfDirective(directive)) !== false;
    return attestations.mayReport(directive) && !isSuspended && maySign;
  }

  /**
   * When the node of this rank executes by itself, in seconds of chain time. Outcomes that it does not see delay it, since
   * it may still come to see them; but only for a while, since they may be invented.
   */
  #turnAt({ activeAt, id }: IssuedDirective, refuses: boolean, rank: number, chainTime: number): number {
    const step = this.#dependencies.takeoverMs / 1_000;
    if (!refuses) return activeAt + rank * step;
    const since = this.#refused.get(id) ?? chainTime;
    this.#refused.set(id, since);
    return since + (rank + 1) * step;
  }

  /** The directive that was issued later, is done, and makes this one void; undefined without such a directive. */
  async #supersededBy(directive: IssuedDirective, order: Order, signal: AbortSignal): Promise<Hex | undefined> {
    if (!maySupersede(order)) return undefined;
    const { client } = this.#dependencies;
    const done = await client.listDirectives({ statuses: ["Done"], fromBlock: directive.blockNumber + 1 });
    for (const later of done.filter(({ subject }) => subject === directive.subject)) {
      if (supersedes(await this.#readOrder(later, signal), order)) return later.id;
    }
    return undefined;
  }

  /** Attests the first outcome that this node sees too; resolves with whether there was one. */
  async #attestAny(
    directive: IssuedDirective,
    outcomes: readonly ReportedOutcome[],
    context: DirectiveContext,
    handler: Pick<DirectiveHandler, "verify">,
  ): Promise<boolean> {
    const { attestations, logger } = this.#dependencies;
    for (const reported of outcomes) {
      const { nodes, outcome, report } = reported;
      const { holds, why } = await this.#verify(reported, context, handler);
      if (holds) {
        await attestations.report(directive, { report, outcome });
        logger.info("attested", { directive: directive.id, kind: directive.kind, report, outcome, why });
        return true;
      }
      logger.info("an outcome is not attested yet", { directive: directive.id, outcome, nodes, why });
    }
    return false;
  }

  async #verify(
    reported: ReportedOutcome,
    context: DirectiveContext,
    handler: Pick<DirectiveHandler, "verify">,
  ): Promise<OutcomeCheck> {
    try {
      const value = await readOutcome(this.#dependencies.client, reported);
      return sameHex(value.directive, context.directiveId) && value.result === reported.report
        ? await handler.verify(context, value)
        : { holds: false, why: "it is not about this directive" };
    } catch (error) {
      // An outcome that cannot be read, such as one that was made up, must not hide the others.
      return { holds: false, why: messageOf(error) };
    }
  }

  async #report(directive: IssuedDirective, executed: ExecutionResult): Promise<void> {
    const { attestations, outbox, logger } = this.#dependencies;
    const { result } = executed;
    // A note may quote what a program or a peer has said. One that is too long must not keep the outcome from being written.
    const detail = executed.detail.map((each) => ({ ...each, note: fittedText(each.note, MAX_TEXT_LENGTH) }));
    const record = { schema: "witan/outcome/1", directive: directive.id, ...executed, detail } as const;
    const { contentId } = await outbox.submit("Outcome", record);
    await outbox.settle();
    await attestations.report(directive, { report: result, outcome: contentId });
    logger.info("executed", { directive: directive.id, kind: directive.kind, result, outcome: contentId });
    if (result === "done") await this.#resolveIncidents(directive, contentId);
  }

  /** Closes the incidents that led to the directive: what was wrong, what was ordered, how it ended. */
  async #resolveIncidents(directive: IssuedDirective, outcome: ContentId): Promise<void> {
    const { client, logger, outbox } = this.#dependencies;
    for (const evidence of directive.evidence) {
      const record = await client.fetchRecord({ contentId: evidence }).catch((error: unknown) => {
        if (!(error instanceof BaseError)) throw error;
        // What cannot be read keeps no other incident open.
        logger.warn("an incident stays open: it cannot be read", { evidence, reason: messageOf(error) });
        return undefined;
      });
      if (record?.kind !== "Incident" || record.value.resolution !== null) continue;
      const resolution = { resolves: evidence, directive: directive.id, outcome };
      await outbox.submit("Incident", { ...record.value, resolution });
    }
  }

  async #readOrder(directive: IssuedDirective, signal: AbortSignal): Promise<Order> {
    const { client } = this.#dependencies;
    const payload: DirectivePayload = await client.fetchPayload({ contentId: directive.payload, signal });
    if (payload.order.kind !== directive.kind || subjectHash(payload.subject) !== directive.subject) {
      throw new MisleadingPayloadError(directive.id);
    }
    return payload.order;
  }
}

/** Verifies the outcome of a directive that a later one has replaced: it can only have failed. */
function afterSuperseding(handler: DirectiveHandler, later: Hex | undefined): Pick<DirectiveHandler, "verify"> {
  if (later === undefined) return handler;
  return {
    verify: async (context, outcome) =>
      outcome.result === "failed" ? { holds: true, why: supersededNote(later) } : handler.verify(context, outcome),
  };
}

function supersededNote(later: Hex): string {
  return `directive ${later} was issued later and is done`;
}

/** The result of an order that a later one has replaced. */
function supersededResult(order: Order, later: Hex): ExecutionResult {
  return failure(order, supersededNote(later));
}

function failure(order: Order, note: string): ExecutionResult {
  const detail = [{ subject: order.kind, result: "failed" as const, note }];
  return { result: "failed", detail, produced: [] };
}
