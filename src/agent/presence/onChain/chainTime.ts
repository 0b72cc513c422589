import type { Clock } from "../../../utils/clock.js";

/** The chain's time between two readings: it goes on as this machine's timer does. */
export class ChainTime {
  readonly #clock: Pick<Clock, "monotonic">;
  #seconds = 0;
  #readAt: number;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
    this.#readAt = clock.monotonic();
  }

  /** The chain's time was read. */
  set(seconds: number): void {
    this.#seconds = seconds;
    this.#readAt = this.#clock.monotonic();
  }

  /** In seconds since 1970; small until it was read for the first time. */
  now(): number {
    return this.#seconds + (this.#clock.monotonic() - this.#readAt) / 1_000;
  }
}
