import type { Clock } from "../../../utils/clock.js";
import type { PresenceParameters } from "../defaults.js";

interface Accuser {
  wrong: number;
  /** Monotonic, in milliseconds. */
  at: number;
}

/** Who has hinted at seats that were there. Such an author is ignored for a while; each wrong hint is forgiven in time. */
export class Accusers {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #parameters: Pick<PresenceParameters, "forgiveMs" | "maxWrongHints">;
  readonly #accusers = new Map<number, Accuser>();

  constructor(clock: Pick<Clock, "monotonic">, parameters: Pick<PresenceParameters, "forgiveMs" | "maxWrongHints">) {
    this.#clock = clock;
    this.#parameters = parameters;
  }

  /** Keeps those alone that are seats. */
  keep(seats: ReadonlySet<number>): void {
    for (const seat of this.#accusers.keys()) if (!seats.has(seat)) this.#accusers.delete(seat);
  }

  isIgnored(author: number): boolean {
    return this.#wrong(author) > this.#parameters.maxWrongHints - 1;
  }

  wrong(author: number): void {
    this.#accusers.set(author, { wrong: this.#wrong(author) + 1, at: this.#clock.monotonic() });
  }

  /** So many that are not forgiven: at most twice as many as are needed to be ignored, so that it ends. */
  #wrong(author: number): number {
    const { forgiveMs, maxWrongHints } = this.#parameters;
    const accuser = this.#accusers.get(author);
    if (accuser === undefined) return 0;
    const forgiven = (this.#clock.monotonic() - accuser.at) / forgiveMs;
    return Math.max(0, Math.min(accuser.wrong, 2 * maxWrongHints) - forgiven);
  }
}
