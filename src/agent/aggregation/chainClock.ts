/** The chain's time between two readings of it. */
export class ChainClock {
  readonly #now: () => number;
  #read = { chainTime: 0, at: 0 };

  /** @param now Milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes in the chain's time, in seconds. */
  set(chainTime: number): void {
    this.#read = { chainTime, at: this.#now() };
  }

  /** In seconds, moved on by the clock since it was last read. */
  seconds(): number {
    return this.#read.chainTime + (this.#now() - this.#read.at) / 1_000;
  }
}
