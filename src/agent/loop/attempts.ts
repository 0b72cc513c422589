import type { Client, Proposal } from "../../client/index.js";
import type { PlannedProposal } from "../../policy/index.js";
import { encodePayload, subjectHash } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { createLruCache } from "../../utils/lruCache.js";
import { retryDelay } from "../../utils/retryDelay.js";

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
}

interface IdentifiedPlan {
  readonly plan: PlannedProposal;
  readonly key: string;
  readonly payload: string;
  readonly cited: string;
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

  /** @param proposals Those that have not ended. */
  async due(planned: readonly PlannedProposal[], proposals: readonly Proposal[]): Promise<PlannedProposal[]> {
    const keyed = planned.map((plan) => ({ ...identify(plan), plan }));
    const keys = new Set(keyed.map(({ key }) => key));
    for (const [key, standing] of this.#standings.entries()) {
      if (standing.phase === "tried" && !keys.has(key)) this.#standings.set(key, { ...standing, phase: "gone" });
    }
    const due: PlannedProposal[] = [];
    for (const each of keyed) if (await this.#isDue(each, proposals)) due.push(each.plan);
    return due;
  }

  async #isDue(identified: IdentifiedPlan, proposals: readonly Proposal[]): Promise<boolean> {
    const { clock, logger } = this.#dependencies;
    const { key, plan } = identified;
    const now = clock.monotonic();
    const standing = this.#standings.get(key) ?? { ended: 0, phase: "waiting", notBefore: now };
    if (await this.#isOpen(identified, proposals)) {
      this.#standings.set(key, { ...standing, phase: "open" });
      return false;
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

  /** Whether a proposal of the plan is open that nodes which see the same would have opened. */
  async #isOpen({ cited, payload, plan }: IdentifiedPlan, proposals: readonly Proposal[]): Promise<boolean> {
    const hash = subjectHash(plan.subject);
    const same = proposals.filter(
      ({ directive }) =>
        directive?.kind === plan.order.kind &&
        directive.subject === hash &&
        directive.payload === payload &&
        directive.evidence.join() === cited,
    );
    for (const proposal of same) {
      if ((await this.#dependencies.client.listDeviations({ proposal })).length === 0) return true;
    }
    return false;
  }
}

/** Two plans are the same if order, subject and evidence are: to scale to 8 is not to try again to scale to 7. */
function identify({ evidence, order, subject }: PlannedProposal): Omit<IdentifiedPlan, "plan"> {
  const { contentId: payload } = encodePayload({ schema: "witan/directive/1", subject, order });
  const cited = [...evidence].sort().join();
  return { key: `${payload} ${cited}`, payload, cited };
}
