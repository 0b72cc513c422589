import type { Client, Proposal } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { PlannedProposal } from "../../policy/index.js";
import { subjectHash } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { createLruCache } from "../../utils/lruCache.js";
import { retryDelay } from "../../utils/timing/retryDelay.js";
import { planKey } from "./planKey.js";

const FIRST_RETRY_MS = 30_000;
const MAX_RETRY_MS = 3_600_000;
/** Plans whose attempts are remembered. */
const MAX_PLANS = 1_024;

export interface AttemptsDependencies {
  readonly client: Pick<Client, "listDeviations">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where a plan stands. */
interface Standing {
  /** The tries that have ended without the plan being fulfilled. */
  readonly ended: number;
  /** `waiting` for its next try, being `tried`, its proposal `open`, or `gone`: not planned after it was tried. */
  readonly phase: "waiting" | "tried" | "open" | "gone";
  /** Milliseconds of the monotonic clock. */
  readonly notBefore: number;
  /** The presence of its open proposal, if that is a claim of fact: the next suspension ends it. */
  readonly claimedIn?: number | undefined;
}

/**
 * Which plans to put to the vote now. A plan whose proposal is open waits for its end; one that was refused, or whose order
 * failed, is tried again after a pause that doubles.
 */
export class Attempts {
  readonly #dependencies: AttemptsDependencies;
  readonly #standings = createLruCache<string, Standing>(MAX_PLANS);

  constructor(dependencies: AttemptsDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * @param proposals Those that have not ended.
   * @param newestSuspension The presence that the newest suspension of seats opened. A claim that it has ended was not refused: it is
   * tried again at once.
   */
  async due(
    planned: readonly PlannedProposal[],
    proposals: readonly Proposal[],
    newestSuspension = 0,
  ): Promise<PlannedProposal[]> {
    const keyed = new Map(planned.flatMap((plan) => this.#keyed(plan)));
    for (const [key, standing] of this.#standings.entries()) {
      if (standing.phase === "tried" && !keyed.has(key)) this.#standings.set(key, { ...standing, phase: "gone" });
    }
    const due: PlannedProposal[] = [];
    for (const [key, plan] of keyed) if (await this.#isDue(key, plan, proposals, newestSuspension)) due.push(plan);
    return due;
  }

  /** None for a plan that breaks its schema: it costs itself, not the cycle. */
  #keyed(plan: PlannedProposal): [string, PlannedProposal][] {
    try {
      return [[planKey(plan), plan]];
    } catch (error) {
      const { order, subject } = plan;
      this.#dependencies.logger.warn("a plan is no order", { kind: order.kind, subject, reason: messageOf(error) });
      return [];
    }
  }

  async #isDue(
    key: string,
    plan: PlannedProposal,
    proposals: readonly Proposal[],
    newestSuspension: number,
  ): Promise<boolean> {
    const { clock, logger } = this.#dependencies;
    const now = clock.monotonic();
    const standing = this.#standings.get(key) ?? { ended: 0, phase: "waiting", notBefore: now };
    const open = await this.#findOpen(key, plan, proposals);
    if (open !== undefined) {
      const claimedIn = open.rules.claim ? open.rules.presence : undefined;
      this.#standings.set(key, { ...standing, phase: "open", claimedIn });
      return false;
    }
    if (standing.claimedIn !== undefined && standing.claimedIn < newestSuspension) {
      this.#standings.set(key, { ended: standing.ended, phase: "tried", notBefore: now });
      return true;
    }
    if (standing.phase === "open" || standing.phase === "gone") {
      const ended = standing.ended + 1;
      const pauseMs = retryDelay(ended, FIRST_RETRY_MS, MAX_RETRY_MS);
      this.#standings.set(key, { ended, phase: "waiting", notBefore: now + pauseMs });
      const { order, subject } = plan;
      logger.info("an order is tried again later", { kind: order.kind, subject, ended, pauseMs });
      return false;
    }
    if (now < standing.notBefore) return false;
    this.#standings.set(key, { ...standing, phase: "tried" });
    return true;
  }

  /** The open proposal of the plan that nodes which see the same would have opened. */
  async #findOpen(
    key: string,
    { order, subject }: PlannedProposal,
    proposals: readonly Proposal[],
  ): Promise<Proposal | undefined> {
    const hash = subjectHash(subject);
    const same = proposals.filter(
      ({ directive }) =>
        directive?.kind === order.kind &&
        directive.subject === hash &&
        `${directive.payload} ${directive.evidence.join()}` === key,
    );
    for (const proposal of same) {
      if ((await this.#dependencies.client.listDeviations({ proposal })).length === 0) return proposal;
    }
    return undefined;
  }
}
