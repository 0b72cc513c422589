import { randomBytes } from "node:crypto";
import type { Clock } from "../../../utils/clock.js";
import type { BirthStamp } from "./blockKeys.js";

/**
 * One opening of a store, which tells how old blocks are although the wall clock jumps. Blocks of this session are dated by
 * monotonic time; those of earlier ones by the wall time at the opening, and the monotonic time that has passed since.
 */
export class StoreSession {
  readonly #id = randomBytes(6).toString("base64url");
  readonly #clock: Clock;
  readonly #openedAt: { readonly wall: number; readonly monotonic: number };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#openedAt = { wall: clock.now(), monotonic: clock.monotonic() };
  }

  stamp(bytes: number): BirthStamp {
    return { at: this.#clock.now(), bytes, session: this.#id, monotonic: this.#clock.monotonic() };
  }

  /** In milliseconds. Negative if the stamp lies in the future: it was made while the wall clock was ahead. */
  ageOf({ at, session, monotonic }: Pick<BirthStamp, "at" | "session" | "monotonic">): number {
    const now = this.#clock.monotonic();
    if (session === this.#id && monotonic !== undefined) return now - monotonic;
    return this.#openedAt.wall + (now - this.#openedAt.monotonic) - at;
  }
}
