import { type Client, type DirectiveAttestation, type IssuedDirective, WrongAuthorError } from "../../client/index.js";
import { BaseError, messageOf } from "../../errors.js";
import { maySupersede, supersedes } from "../../policy/index.js";
import {
  type Address,
  type ContentId,
  type DirectivePayload,
  type Hex,
  type Order,
  type Outcome,
  subjectHash,
} from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";
import { sameHex } from "../../utils/sameHex.js";
import { leaderRank } from "../aggregation/leaderSchedule.js";
import type { AttestationExchange } from "../attestations/exchange.js";
import { partOf, saysTheSame } from "../attestations/statement.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { Assignment, DirectiveHandler, ExecutionResult, OutcomeCheck } from "../handlers/handler.js";
import type { Outbox } from "../outbox/outbox.js";

export interface ExecutorDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly outbox: Outbox;
  readonly handlers: readonly DirectiveHandler[];
  readonly tasks: BackgroundJobs;
  readonly logger: Logger;
  readonly takeoverMs: number;
  /** Where outcomes are exchanged, so that one transaction enacts; without it this node reports by itself. */
  readonly exchange?: Pick<AttestationExchange, "attest" | "heard" | "own" | "reportsOn"> | undefined;
}

/** What a node says of a directive, on chain or as it has signed it. */
type Said = Pick<DirectiveAttestation, "node" | "report" | "outcome">;

/** Who has ended its part with the same outcome. */
interface Side {
  readonly report: Said["report"];
  readonly outcome: ContentId;
  readonly nodes: Address[];
}

/** A payload that says something else than the directive on chain that cites it. */
export class MisleadingPayloadError extends BaseError {
  constructor(directiveId: string) {
    super("misleading-payload", `The payload of directive ${directiveId} is not of its kind or about its subject.`);
  }
}

/**
 * Carries out what was issued. The first node in the directive's duty order does the deed and reports an Outcome; the
 * others look for themselves and attest the same one. Whoever is next takes over when nobody has reported in time. What
 * nodes have told each other counts like what they have written on chain.
 */
export class Executor {
  readonly #dependencies: ExecutorDependencies;
  /** Since when nodes report what this node does not see, in seconds of the chain. */
  readonly #refused = new Map<Hex, number>();

  constructor(dependencies: ExecutorDependencies) {
    this.#dependencies = dependencies;
  }

  /** Looks at every directive that is issued and not enacted, and starts what this node has to do for it. */
  tick(
    directives: readonly IssuedDirective[],
    committee: readonly Address[],
    chainTime: number,
    signal: AbortSignal,
  ): void {
    const open = new Set(directives.map(({ id }) => id));
    for (const id of this.#refused.keys()) if (!open.has(id)) this.#refused.delete(id);
    for (const directive of directives) {
      if (directive.status !== "Issued" || chainTime < directive.activeAt) continue;
      this.#dependencies.tasks.start(`directive ${directive.id}`, () =>
        this.#attend(directive, committee, chainTime, signal),
      );
    }
  }

  async #attend(
    directive: IssuedDirective,
    committee: readonly Address[],
    chainTime: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { exchange, self, tasks, handlers } = this.#dependencies;
    if (exchange?.own(directive.id, "end") !== undefined) return;
    const reports = await this.#reportsOn(directive);
    const own = reports.filter(({ node }) => sameHex(node, self));
    if (own.some((report) => partOf(report) === "end")) return;

    const order = await this.#order(directive, signal);
    const handler = handlers.find((each) => each.kinds.includes(order.kind));
    const assignment: Assignment = { directiveId: directive.id, order, signal };
    const mayReport = exchange?.reportsOn(directive) ?? true;
    const isReady = own.length > 0 || exchange?.own(directive.id, "ready") !== undefined;
    if (handler?.prepare && mayReport && !isReady) {
      await handler.prepare(assignment);
      await this.#say(directive, "ready", null);
    }
    if (handler?.assist) tasks.start(`assist ${directive.id}`, () => handler.assist?.(assignment) ?? Promise.resolve());
    // Whoever became a member after the issue helps, but what it says does not count.
    if (!mayReport) return;

    if (handler && !handler.alone) {
      const later = await this.#supersededBy(directive, order, signal);
      if (await this.#attestOther(directive, reports, assignment, superseding(handler, later))) return;
      const rank = Math.max(0, leaderRank(directive.id, committee, self));
      if (chainTime < this.#turnAt(directive, sidesOf(reports).length > 0, rank, chainTime)) return;
      if (later !== undefined) return await this.#report(directive, leftUndone(order, later));
      // Whoever is first and was away finds another at work: both would do all of it.
      const mayBeLed = rank > 0 || chainTime >= directive.activeAt + this.#dependencies.takeoverMs / 1_000;
      if (mayBeLed && handler.led?.(directive.id)) return;
    }
    await this.#report(directive, handler ? await handler.carryOut(assignment) : noHandler(order));
  }

  /**
   * From when the node of this rank does the deed by itself, in seconds of the chain. Whoever reports what others do not see
   * keeps them from it for a while, since they may see it yet, and not for good, since it may be made up.
   */
  #turnAt({ activeAt, id }: IssuedDirective, refuses: boolean, rank: number, chainTime: number): number {
    const step = this.#dependencies.takeoverMs / 1_000;
    if (!refuses) return activeAt + rank * step;
    const since = this.#refused.get(id) ?? chainTime;
    this.#refused.set(id, since);
    return since + (rank + 1) * step;
  }

  /** A directive that was issued later and is done, and after which this one is not to be carried out any more. */
  async #supersededBy(directive: IssuedDirective, order: Order, signal: AbortSignal): Promise<Hex | undefined> {
    if (!maySupersede(order)) return undefined;
    const { client } = this.#dependencies;
    const done = await client.listDirectives({ statuses: ["Done"], fromBlock: directive.blockNumber + 1 });
    for (const later of done.filter(({ subject }) => subject === directive.subject)) {
      if (supersedes(await this.#order(later, signal), order)) return later.id;
    }
    return undefined;
  }

  /** What is known of the nodes' reports, one of each part a node: what is on chain comes first. */
  async #reportsOn(directive: IssuedDirective): Promise<readonly Said[]> {
    const { client, exchange } = this.#dependencies;
    const counted: readonly Said[] = await client.listReports({ directiveId: directive.id });
    const known = new Map<string, Said>();
    for (const said of [...counted, ...(exchange?.heard(directive) ?? [])]) {
      const key = `${said.node.toLowerCase()} ${partOf(said)}`;
      if (!known.has(key)) known.set(key, said);
    }
    return [...known.values()];
  }

  async #say(
    directive: IssuedDirective,
    report: DirectiveAttestation["report"],
    outcome: ContentId | null,
  ): Promise<void> {
    const { client, exchange } = this.#dependencies;
    if (exchange !== undefined) await exchange.attest(directive, { report, outcome });
    else await client.reportDirective({ directiveId: directive.id, report, outcome: outcome ?? undefined });
  }

  /** Attests an outcome that another node reported, once this node sees the same: whether it does. */
  async #attestOther(
    directive: IssuedDirective,
    reports: readonly Said[],
    assignment: Assignment,
    handler: Pick<DirectiveHandler, "agrees">,
  ): Promise<boolean> {
    const { logger } = this.#dependencies;
    for (const side of sidesOf(reports)) {
      const { nodes, outcome, report } = side;
      const { holds, why } = await this.#judge(side, assignment, handler);
      if (holds) {
        await this.#say(directive, report, outcome);
        logger.info("attested", { directive: directive.id, kind: directive.kind, report, outcome, why });
        return true;
      }
      logger.info("an outcome is not attested yet", { directive: directive.id, outcome, nodes, why });
    }
    return false;
  }

  /** Whether this node sees what others report. */
  async #judge(
    { nodes, outcome, report }: Side,
    assignment: Assignment,
    handler: Pick<DirectiveHandler, "agrees">,
  ): Promise<OutcomeCheck> {
    try {
      const value = await this.#readOutcome(outcome, nodes);
      const honest = sameHex(value.directive, assignment.directiveId) && value.result === report;
      return honest
        ? await handler.agrees(assignment, value)
        : { holds: false, why: "it does not speak of this directive" };
    } catch (error) {
      // One that cannot be read, such as one that somebody made up, must not hide the others.
      return { holds: false, why: messageOf(error) };
    }
  }

  /** The record that these nodes cite: one of them has written it. */
  async #readOutcome(contentId: ContentId, nodes: readonly Address[]): Promise<Outcome> {
    const { client } = this.#dependencies;
    const by = (author: Address | undefined) => client.fetchRecord({ contentId, author, kind: "Outcome" });
    try {
      return (await by(nodes[0])).value;
    } catch (error) {
      // What they say does not come in the order in which they found it out.
      const author =
        error instanceof WrongAuthorError
          ? error.found.find((each) => nodes.some((node) => sameHex(node, each)))
          : undefined;
      if (author === undefined) throw error;
      return (await by(author)).value;
    }
  }

  async #report(directive: IssuedDirective, deed: ExecutionResult): Promise<void> {
    const { outbox, logger } = this.#dependencies;
    const record = { schema: "witan/outcome/1", directive: directive.id, ...deed } as const;
    const { contentId } = await outbox.submit("Outcome", record);
    await outbox.settle();
    await this.#say(directive, deed.result, contentId);
    logger.info("carried out", {
      directive: directive.id,
      kind: directive.kind,
      result: deed.result,
      outcome: contentId,
    });
    if (deed.result === "done") await this.#resolveIncidents(directive, contentId);
  }

  /** Closes the incidents that led to the directive: what was wrong, what was ordered, how it ended. */
  async #resolveIncidents(directive: IssuedDirective, outcome: ContentId): Promise<void> {
    const { client, outbox } = this.#dependencies;
    for (const evidence of directive.evidence) {
      const { kind, value } = await client.fetchRecord({ contentId: evidence });
      if (kind !== "Incident" || value.resolution !== null) continue;
      const resolution = { resolves: evidence, directive: directive.id, outcome };
      await outbox.submit("Incident", { ...value, resolution });
    }
  }

  async #order(directive: IssuedDirective, signal: AbortSignal): Promise<Order> {
    const payload: DirectivePayload = await this.#dependencies.client.fetchPayload({
      contentId: directive.payload,
      signal,
    });
    if (payload.order.kind !== directive.kind || subjectHash(payload.subject) !== directive.subject) {
      throw new MisleadingPayloadError(directive.id);
    }
    return payload.order;
  }
}

/** Those that have ended their part, by what they say; what most say first. */
function sidesOf(reports: readonly Said[]): Side[] {
  const sides: Side[] = [];
  for (const said of reports) {
    const { node, outcome, report } = said;
    if (outcome === null) continue;
    const side = sides.find((each) => saysTheSame(each, said));
    if (side === undefined) sides.push({ report, outcome, nodes: [node] });
    else side.nodes.push(node);
  }
  return sides.sort((a, b) => b.nodes.length - a.nodes.length);
}

/** What is judged once a later directive has taken an earlier one's place: that one can only have failed. */
function superseding(handler: DirectiveHandler, later: Hex | undefined): Pick<DirectiveHandler, "agrees"> {
  if (later === undefined) return handler;
  return {
    agrees: async (assignment, outcome) =>
      outcome.result === "failed" ? { holds: true, why: supersededNote(later) } : handler.agrees(assignment, outcome),
  };
}

function supersededNote(later: Hex): string {
  return `directive ${later} was issued later and is done`;
}

/** The deed of a node that comes to an order too late. */
function leftUndone(order: Order, later: Hex): ExecutionResult {
  const detail = [{ subject: order.kind, result: "failed", note: supersededNote(later) }] as const;
  return { result: "failed", detail: [...detail], durationMs: 0, logs: null, produced: [] };
}

/** The deed of an agent that was given nothing to carry such an order out with: it says so, and fails. */
function noHandler(order: Order): ExecutionResult {
  const note = `no engine for ${order.kind} on this node`;
  const detail = [{ subject: order.kind, result: "failed", note }] as const;
  return { result: "failed", detail: [...detail], logs: null, durationMs: 0, produced: [] };
}
