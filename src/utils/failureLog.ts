import { messageOf } from "../errors.js";
import type { LogFields, Logger } from "./logger.js";

/** Logs a failure that repeats when it begins, when its reason changes, and when it ends, and not each time. */
export class FailureLog {
  readonly #logger: Pick<Logger, "info" | "warn">;
  readonly #failed: string;
  readonly #ended: string;
  #reason: string | undefined;

  /**
   * @param failed The message of a failure.
   * @param ended The message of its end.
   */
  constructor(logger: Pick<Logger, "info" | "warn">, failed: string, ended: string) {
    this.#logger = logger;
    this.#failed = failed;
    this.#ended = ended;
  }

  failed(error: unknown, fields: LogFields = {}): void {
    const reason = messageOf(error);
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#logger.warn(this.#failed, { ...fields, reason });
  }

  succeeded(): void {
    if (this.#reason === undefined) return;
    this.#logger.info(this.#ended, { reason: this.#reason });
    this.#reason = undefined;
  }
}
