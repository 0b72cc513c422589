import type { Clock } from "../../utils/clock.js";
import type { ChainView } from "../chainView.js";
import { ChainClock } from "./chainClock.js";
import { Committees } from "./committees.js";

/** The committees and the chain's time as they were last read, for messages that arrive between two cycles. */
export class LatestView {
  readonly #clock: ChainClock;
  #committees = new Committees([]);

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = new ChainClock(clock);
  }

  update({ chainTime, committees }: Pick<ChainView, "chainTime" | "committees">): void {
    this.#committees = committees;
    this.#clock.update(chainTime);
  }

  get committees(): Committees {
    return this.#committees;
  }

  /** The chain's time now, in seconds since the Unix epoch. */
  chainTime(): number {
    return this.#clock.seconds();
  }
}
