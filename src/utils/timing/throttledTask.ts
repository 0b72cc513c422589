import { type Clock, systemClock } from "../clock.js";

/** Work that many callers ask for and that is done once for all of them, `delayMs` after the first has asked. */
export class ThrottledTask {
  readonly #work: () => Promise<void>;
  readonly #delayMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(
    work: () => Promise<void>,
    delayMs: number,
    onError: (error: unknown) => void,
    clock: Clock = systemClock,
  ) {
    this.#work = work;
    this.#delayMs = delayMs;
    this.#onError = onError;
    this.#clock = clock;
  }

  /** Does nothing while the work is scheduled, or after {@link stop}. */
  schedule(): void {
    if (this.#cancel !== undefined || this.#stopped) return;
    this.#cancel = this.#clock.after(this.#delayMs, () => {
      this.#cancel = undefined;
      this.#work().catch(this.#onError);
    });
  }

  /** Cancels what is scheduled and schedules nothing more. Work that has begun goes on. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }
}
