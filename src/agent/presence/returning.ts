import { messageOf } from "../../errors.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { retryDelay } from "../../utils/timing/retryDelay.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { PresenceChain } from "./onChain/chain.js";

const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 300_000;

export interface ReturningDependencies {
  readonly chain: Pick<PresenceChain, "returnNow">;
  readonly clock: Pick<Clock, "monotonic">;
  /** Waiting for a block must not hold up the cycle. */
  readonly jobs: Pick<BackgroundJobs, "start">;
  readonly logger: Logger;
}

/**
 * Brings this node back when it finds itself suspended: it runs, so it is there. What fails is tried again after a pause
 * that doubles. The contract bounds how soon it can be suspended again.
 */
export class Returning {
  readonly #dependencies: ReturningDependencies;
  #failures = 0;
  /** Monotonic, in milliseconds. */
  #notBefore = Number.NEGATIVE_INFINITY;
  #wasSuspended = false;

  constructor(dependencies: ReturningDependencies) {
    this.#dependencies = dependencies;
  }

  /** Called each cycle with whether this node's seat is suspended on chain. */
  update(isSuspended: boolean): void {
    const { clock, jobs, logger } = this.#dependencies;
    if (isSuspended !== this.#wasSuspended) {
      this.#wasSuspended = isSuspended;
      if (isSuspended) logger.warn("this node is suspended, and returns");
      else logger.info("this node counts again");
      this.#failures = 0;
      this.#notBefore = Number.NEGATIVE_INFINITY;
    }
    if (isSuspended && clock.monotonic() >= this.#notBefore) jobs.start("return", () => this.#return());
  }

  async #return(): Promise<void> {
    const { chain, clock, logger } = this.#dependencies;
    try {
      await chain.returnNow();
      // Until the snapshot of a later cycle shows it.
      this.#notBefore = clock.monotonic() + FIRST_RETRY_MS;
    } catch (error) {
      this.#failures += 1;
      const pauseMs = retryDelay(this.#failures, FIRST_RETRY_MS, MAX_RETRY_MS);
      this.#notBefore = clock.monotonic() + pauseMs;
      logger.warn("this node could not return, and tries again", { reason: messageOf(error), pauseMs });
    }
  }
}
