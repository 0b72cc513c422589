import { randomBytes } from "node:crypto";
import type { Clock } from "../../../utils/clock.js";
import type { BirthStamp } from "./blockKeys.js";

/** How old a block is, in milliseconds. */
export interface BlockAge {
  /**
   * Of a block of this session, by monotonic time. Of an earlier one, by the wall time at the opening and the monotonic time
   * that has passed since; negative if it was put while the wall clock was ahead.
   */
  readonly ageMs: number;
  /**
   * For how long the store has been open since, which no wall clock changes. Negative if a crash came before that time was
   * stored; undefined if the stamp does not say.
   */
  readonly openMs: number | undefined;
}

/**
 * One opening of a store, which computes how old blocks are although the wall clock jumps. It counts for how long the store
 * has been open in all sessions together: {@link openMs}, which is stored beside the blocks.
 */
export class StoreSession {
  readonly #id = randomBytes(6).toString("base64url");
  readonly #clock: Clock;
  readonly #openedAt: { readonly wall: number; readonly monotonic: number };
  #openBeforeMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#openedAt = { wall: clock.now(), monotonic: clock.monotonic() };
  }

  /** For how long the store has been open, in whole milliseconds, as far as its sessions have stored it. */
  get openMs(): number {
    return Math.floor(this.#openBeforeMs + this.#clock.monotonic() - this.#openedAt.monotonic);
  }

  /** Continues to count where the last session stored its count. */
  continueFrom(openMs: number): void {
    this.#openBeforeMs = openMs;
  }

  stamp(bytes: number): BirthStamp {
    const { openMs } = this;
    return { at: this.#clock.now(), bytes, session: this.#id, monotonic: this.#clock.monotonic(), openMs };
  }

  ageOf({ at, monotonic, openMs, session }: Omit<BirthStamp, "bytes">): BlockAge {
    const now = this.#clock.monotonic();
    if (session === this.#id && monotonic !== undefined) return { ageMs: now - monotonic, openMs: now - monotonic };
    return {
      ageMs: this.#openedAt.wall + (now - this.#openedAt.monotonic) - at,
      openMs: openMs === undefined ? undefined : this.openMs - openMs,
    };
  }
}
