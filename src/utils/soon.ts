/** Work that many ask for at once, and that is done once for all of them, a moment after the first has asked. */
export class Soon {
  readonly #work: () => Promise<void>;
  readonly #delayMs: number;
  readonly #onError: (error: unknown) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(work: () => Promise<void>, delayMs: number, onError: (error: unknown) => void) {
    this.#work = work;
    this.#delayMs = delayMs;
    this.#onError = onError;
  }

  ask(): void {
    if (this.#timer !== undefined || this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#work().catch(this.#onError);
    }, this.#delayMs);
  }

  /** Nothing begins any more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
