import type { LRUCache } from "lru-cache";
import type { Clock } from "../../utils/clock.js";
import { createLruCache } from "../../utils/lruCache.js";
import { retryDelay } from "../../utils/timing/retryDelay.js";

const FIRST_RETRY_MS = 2_000;
/** The longest pause between two attempts. */
const MAX_RETRY_MS = 300_000;

interface FailedRead {
  readonly error: unknown;
  /** In a row. */
  readonly failures: number;
  /** Before this moment of the monotonic clock, in milliseconds, it is not tried again. */
  readonly retryAt: number;
}

/** Remembers reads that failed: each is tried again only after a pause, which doubles with every failure in a row. */
export class FailedReads {
  readonly #clock: Clock;
  readonly #failed: LRUCache<string, FailedRead>;

  /** @param max Reads that are remembered; the least recent are forgotten first, and tried again at once. */
  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#failed = createLruCache(max);
  }

  /** Whether the pause after a failed read has not ended yet. */
  isPaused(key: string): boolean {
    const failed = this.#failed.get(key);
    return failed !== undefined && this.#clock.monotonic() < failed.retryAt;
  }

  /** The last error of a read; undefined if it has not failed since it succeeded. */
  errorOf(key: string): unknown {
    return this.#failed.get(key)?.error;
  }

  add(key: string, error: unknown): void {
    const failures = (this.#failed.get(key)?.failures ?? 0) + 1;
    const retryAt = this.#clock.monotonic() + retryDelay(failures, FIRST_RETRY_MS, MAX_RETRY_MS);
    this.#failed.set(key, { error, failures, retryAt });
  }

  delete(key: string): void {
    this.#failed.delete(key);
  }
}
