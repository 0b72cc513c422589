import { type CommitteePresence, suspendable } from "../../policy/index.js";

/** By the chain's time, so that all nodes begin a batch together and most of them compute the same one. */
const BATCH_SECONDS = 60;

/** The seats that one order is to suspend: a new batch a minute at most. Within the minute seats only leave it. */
export class SuspendBatch {
  #minute: number | undefined;
  #batch: readonly number[] = [];

  /** The seats to suspend now, ascending. */
  next(silent: readonly number[], committee: CommitteePresence, chainTime: number): readonly number[] {
    const minute = Math.floor(chainTime / BATCH_SECONDS);
    const may = suspendable(silent, committee);
    // A minute in which nothing was silent at first has not had its batch.
    if (minute !== this.#minute || this.#batch.length === 0) {
      this.#minute = may.length > 0 ? minute : undefined;
      this.#batch = may;
    }
    const still = new Set(may);
    this.#batch = this.#batch.filter((seat) => still.has(seat));
    return this.#batch;
  }
}
