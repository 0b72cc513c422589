/** Successes in a row at the limit after which a larger range is tried, at first; twice as many after each attempt that fails. */
const FIRST_PATIENCE = 16;
const MAX_PATIENCE = 1_024;

/**
 * How many blocks one request for logs may span. An endpoint that refuses a range lowers it; it grows again later, since
 * another endpoint, or the same one on another day, allows more.
 */
export class RangeLimit {
  readonly #most: number;
  #blocks: number;
  #patience = FIRST_PATIENCE;
  #successes = 0;
  /** The range that was tried last in the hope that more is allowed; undefined before the first attempt. */
  #tried: number | undefined;

  constructor(most: number) {
    this.#most = most;
    this.#blocks = most;
  }

  get blocks(): number {
    return this.#blocks;
  }

  /** A range of so many blocks was refused. */
  refused(blocks: number): void {
    this.#blocks = Math.min(this.#blocks, Math.max(1, Math.floor(blocks / 2)));
    this.#successes = 0;
    if (blocks === this.#tried) this.#patience = Math.min(MAX_PATIENCE, 2 * this.#patience);
  }

  /** A range of so many blocks was answered. */
  accepted(blocks: number): void {
    if (blocks < this.#blocks || this.#blocks >= this.#most) return;
    this.#successes += 1;
    if (this.#successes < this.#patience) return;
    this.#successes = 0;
    this.#blocks = Math.min(this.#most, 2 * this.#blocks);
    this.#tried = this.#blocks;
  }
}
