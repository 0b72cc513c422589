import { messageOf } from "../errors.js";
import type { Logger } from "../utils/logger.js";

/** Runs work in the background, at most one job per key. A failed job is logged and forgotten: its caller may start it again. */
export class BackgroundJobs {
  readonly #running = new Map<string, Promise<void>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  has(key: string): boolean {
    return this.#running.has(key);
  }

  /** Starts `work` unless a job with this key runs. */
  start(key: string, work: () => Promise<void>): void {
    if (this.#running.has(key)) return;
    const job = work()
      .catch((error: unknown) => {
        this.#logger.warn("a job failed and will be tried again", { job: key, reason: messageOf(error) });
      })
      .finally(() => {
        this.#running.delete(key);
      });
    this.#running.set(key, job);
  }

  /** Resolves when no job runs. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }
}
