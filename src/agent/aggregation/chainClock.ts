import type { Clock } from "../../utils/clock.js";

/** The chain's time between two readings, extrapolated by monotonic time, so that the wall clock has no part in it. */
export class ChainClock {
  readonly #clock: Pick<Clock, "monotonic">;
  #reading = { chainTime: 0, at: 0 };

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** @param chainTime The newest block's time, in seconds since the Unix epoch. */
  update(chainTime: number): void {
    this.#reading = { chainTime, at: this.#clock.monotonic() };
  }

  /** In seconds since the Unix epoch. */
  seconds(): number {
    return this.#reading.chainTime + (this.#clock.monotonic() - this.#reading.at) / 1_000;
  }
}
