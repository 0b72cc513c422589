import type { Client, DirectiveAttestation, IssuedDirective } from "../client/index.js";
import { BaseError } from "../errors.js";
import { type Address, type ContentId, type DirectivePayload, type Order, subjectHash } from "../records/index.js";
import type { Logger } from "../utils/logger.js";
import { dutyRank } from "./duty.js";
import type { Assignment, Deed, Hand } from "./hand.js";
import type { Outbox } from "./outbox.js";
import type { Tasks } from "./tasks.js";

export interface ExecutorDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly outbox: Outbox;
  readonly hands: readonly Hand[];
  readonly tasks: Tasks;
  readonly logger: Logger;
  readonly takeoverMs: number;
}

/** A payload that says something else than the directive on chain that cites it. */
export class MisleadingPayloadError extends BaseError {
  constructor(directiveId: string) {
    super("misleading-payload", `The payload of directive ${directiveId} is not of its kind or about its subject.`);
  }
}

/**
 * Carries out what was issued. The first node in the directive's duty order does the deed and reports an Outcome; the
 * others look for themselves and attest the same one. Whoever is next takes over when nobody has reported in time.
 */
export class Executor {
  readonly #dependencies: ExecutorDependencies;

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
    const { client, self, takeoverMs, tasks, hands } = this.#dependencies;
    const reports = await client.listReports({ directiveId: directive.id });
    const own = reports.filter(({ node }) => same(node, self));
    if (own.some(({ report }) => report !== "ready")) return;

    const order = await this.#order(directive, signal);
    const hand = hands.find((each) => each.kinds.includes(order.kind));
    const assignment: Assignment = { directiveId: directive.id, order, signal };
    if (hand?.prepare && own.length === 0) {
      await hand.prepare(assignment);
      await client.reportDirective({ directiveId: directive.id, report: "ready" });
    }
    if (hand?.assist) tasks.start(`assist ${directive.id}`, () => hand.assist?.(assignment) ?? Promise.resolve());

    if (hand && !hand.alone) {
      if (await this.#attestOther(directive, reports, assignment, hand)) return;
      const rank = Math.max(0, dutyRank(directive.id, committee, self));
      const early = chainTime - directive.activeAt < (rank * takeoverMs) / 1_000;
      if (early || (rank > 0 && hand.led?.(directive.id))) return;
    }
    await this.#report(directive, hand ? await hand.carryOut(assignment) : noHand(order));
  }

  /** Attests an outcome that another node reported, once this node sees the same. */
  async #attestOther(
    directive: IssuedDirective,
    reports: readonly DirectiveAttestation[],
    assignment: Assignment,
    hand: Hand,
  ): Promise<boolean> {
    const { client, logger } = this.#dependencies;
    const first = new Map<ContentId, DirectiveAttestation>();
    for (const each of reports) if (each.outcome !== null && !first.has(each.outcome)) first.set(each.outcome, each);
    for (const [outcome, { node, report }] of first) {
      const { value } = await client.fetchRecord({ contentId: outcome, author: node, kind: "Outcome" });
      const honest = same(value.directive, directive.id) && value.result === report;
      const { holds, why } = honest
        ? await hand.agrees(assignment, value)
        : { holds: false, why: "it does not speak of this directive" };
      if (holds) {
        await client.reportDirective({ directiveId: directive.id, report, outcome });
        logger.info("attested", { directive: directive.id, kind: directive.kind, report, outcome, why });
        return true;
      }
      logger.info("an outcome is not attested yet", { directive: directive.id, node, why });
    }
    return first.size > 0;
  }

  async #report(directive: IssuedDirective, deed: Deed): Promise<void> {
    const { client, outbox, logger } = this.#dependencies;
    const record = { schema: "witan/outcome/1", directive: directive.id, ...deed } as const;
    const { contentId } = await outbox.submit("Outcome", record);
    await outbox.settle();
    await client.reportDirective({ directiveId: directive.id, report: deed.result, outcome: contentId });
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

/** The deed of an agent that was given nothing to carry such an order out with: it says so, and fails. */
function noHand(order: Order): Deed {
  const note = `no engine for ${order.kind} on this node`;
  const detail = [{ subject: order.kind, result: "failed", note }] as const;
  return { result: "failed", detail: [...detail], logs: null, durationMs: 0, produced: [] };
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
