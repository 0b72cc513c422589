import { BaseError, messageOf } from "../errors.js";
import { ContractRevertError } from "../ports/chain/index.js";
import { type Clock, systemClock } from "../utils/clock.js";
import type { Logger } from "../utils/logger.js";
import { createLruCache } from "../utils/lruCache.js";
import { retryDelay } from "../utils/timing/retryDelay.js";
import { AgentDefaults } from "./defaults.js";

/** Failures that pass by themselves, such as of an RPC, are tried again at least so often. */
const MAX_PAUSE_MS = 30_000;
/** What the chain or the content refuses is refused again until something changes. */
const MAX_REFUSED_PAUSE_MS = 300_000;
/** Jobs whose failures are remembered. */
const MAX_FAILING = 1_024;
/** A job that nobody has asked for so long is over. */
const OVER_AFTER_MS = 60_000;
/** Causes of one job's failures that are told apart. */
const MAX_CAUSES = 16;

/** A job that failed when it last ran, as `/status` shows it. */
export interface FailingJob {
  readonly job: string;
  readonly reason: string;
  /** How often it failed for this reason since its situation last changed. */
  readonly failures: number;
  /** When it is tried again at the latest, in milliseconds from now; 0 for the next cycle. */
  readonly retryInMs: number;
}

interface Failure {
  readonly situation: string;
  readonly reason: string;
  readonly failures: number;
  /** How often it failed, by cause. */
  readonly causes: ReadonlyMap<string, number>;
  /** Milliseconds of the monotonic clock. */
  readonly notBefore: number;
  /** When it was last to be started, in milliseconds of the monotonic clock. */
  readonly askedAt: number;
}

/**
 * Runs work in the background, at most one job a key. Its caller starts a job as long as there is work for it; what fails is
 * tried again in the next cycle, and then after pauses that double, unless its situation changes. A failure is logged when
 * it begins, changes its cause, or ends.
 */
export class BackgroundJobs {
  readonly #running = new Map<string, Promise<void>>();
  readonly #failing = createLruCache<string, Failure>(MAX_FAILING);
  readonly #logger: Logger;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #pauseMs: number;

  /** @param pauseMs The first pause, of one cycle. */
  constructor(logger: Logger, clock: Pick<Clock, "monotonic"> = systemClock, pauseMs: number = AgentDefaults.cycleMs) {
    this.#logger = logger;
    this.#clock = clock;
    this.#pauseMs = pauseMs;
  }

  /** The jobs that failed when they last ran, and are still to be done. */
  get failing(): readonly FailingJob[] {
    const now = this.#clock.monotonic();
    return [...this.#failing.entries()].flatMap(([job, { askedAt, failures, notBefore, reason }]) =>
      now - askedAt > OVER_AFTER_MS && !this.#running.has(job)
        ? []
        : [{ job, reason, failures, retryInMs: Math.max(0, Math.round(notBefore - now)) }],
    );
  }

  has(key: string): boolean {
    return this.#running.has(key);
  }

  /**
   * Starts `work` unless a job with this key runs, or has failed and waits for its next try.
   *
   * @param situation What the outcome depends on: once it differs, a job that has failed is tried at once.
   * @returns The job, which does not reject; undefined if it was not started.
   */
  start(key: string, work: () => Promise<void>, situation = ""): Promise<void> | undefined {
    if (this.#waits(key, situation) || this.#running.has(key)) return undefined;
    const job = work()
      .then(
        () => this.#succeeded(key),
        (error: unknown) => this.#failed(key, situation, error),
      )
      .finally(() => {
        this.#running.delete(key);
      });
    this.#running.set(key, job);
    return job;
  }

  /** Resolves when no job runs. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #waits(key: string, situation: string): boolean {
    const failure = this.#failing.get(key);
    if (failure === undefined) return false;
    const askedAt = this.#clock.monotonic();
    this.#failing.set(key, { ...failure, askedAt });
    return failure.situation === situation && askedAt < failure.notBefore;
  }

  #succeeded(key: string): void {
    const failure = this.#failing.get(key);
    if (failure === undefined) return;
    this.#failing.delete(key);
    this.#logger.info("a job that failed has ended well", { job: key, reason: failure.reason });
  }

  #failed(key: string, situation: string, error: unknown): void {
    const before = this.#failing.get(key);
    const causes = new Map(before?.situation === situation && before.causes.size < MAX_CAUSES ? before.causes : []);
    const cause = causeOf(error);
    const failures = (causes.get(cause) ?? 0) + 1;
    causes.set(cause, failures);
    const most = error instanceof BaseError && error.retryable ? MAX_PAUSE_MS : MAX_REFUSED_PAUSE_MS;
    const pauseMs = failures === 1 ? 0 : retryDelay(failures - 1, this.#pauseMs, most);
    const reason = messageOf(error);
    const now = this.#clock.monotonic();
    this.#failing.set(key, { situation, reason, failures, causes, notBefore: now + pauseMs, askedAt: now });
    const level = failures === 1 && !before?.causes.has(cause) ? "warn" : "debug";
    this.#logger[level]("a job failed and will be tried again", { job: key, reason, pauseMs });
  }
}

/** What failed, without the values that differ from one try to the next. */
function causeOf(error: unknown): string {
  if (error instanceof ContractRevertError) return `${error.code} ${error.contract} ${error.errorName}`;
  if (error instanceof BaseError) return `${error.name} ${error.code}`;
  return messageOf(error);
}
