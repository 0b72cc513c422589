import { messageOf } from "../errors.js";
import type { Logger } from "../utils/logger.js";

/** Work in the background, at most one task a key. A failed task is reported and forgotten, so that it is tried again. */
export class BackgroundJobs {
  readonly #running = new Map<string, Promise<void>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  has(key: string): boolean {
    return this.#running.has(key);
  }

  /** Starts `work` unless a task with this key runs. */
  start(key: string, work: () => Promise<void>): void {
    if (this.#running.has(key)) return;
    const task = work()
      .catch((error: unknown) => {
        this.#logger.warn("a task failed and will be tried again", { task: key, reason: messageOf(error) });
      })
      .finally(() => {
        this.#running.delete(key);
      });
    this.#running.set(key, task);
  }

  /** Resolves when no task runs. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }
}
