/** A model of the bounded change of the committee: at most max(1, n/10) seats enter in 30 days, and as many leave. */

export const DAYS_OF_WINDOW = 30;

/** What n is: the seats now, or those at the beginning of the 30 days that are checked. */
export type ChangeBase = "now" | "before";

export class Membership {
  readonly #base: ChangeBase;
  /** Seats at days, cumulative entries and exits: the first is the end of genesis. */
  readonly #checkpoints: { day: number; seats: number; entered: number; left: number }[];

  constructor(founders: number, base: ChangeBase) {
    this.#base = base;
    this.#checkpoints = [{ day: 0, seats: founders, entered: 0, left: 0 }];
  }

  get seats(): number {
    return this.#last.seats;
  }

  /** Whether the registry accepts it; if so it is done. Days do not go back. */
  admit(day: number): boolean {
    return this.#change(day, "entered", 1);
  }

  remove(day: number): boolean {
    // The last seat stays, or nobody is left who could decide.
    return this.seats > 1 && this.#change(day, "left", -1);
  }

  /** Seats at the end of a day before or at the last change; those of the founders before genesis ended. */
  seatsAt(day: number): number {
    return this.#at(day).seats;
  }

  /** Changes after `from` up to and including `to`. */
  changed(kind: "entered" | "left", from: number, to: number): number {
    return this.#at(to)[kind] - this.#at(from)[kind];
  }

  #change(day: number, kind: "entered" | "left", seats: number): boolean {
    const since = this.#at(day - DAYS_OF_WINDOW);
    const n = this.#base === "now" ? this.seats : since.seats;
    const last = this.#last;
    if (last[kind] - since[kind] >= Math.max(1, Math.floor(n / 10))) return false;
    this.#checkpoints.push({ ...last, day, seats: last.seats + seats, [kind]: last[kind] + 1 });
    return true;
  }

  get #last() {
    return this.#at(Number.POSITIVE_INFINITY);
  }

  #at(day: number) {
    const found = this.#checkpoints.findLast((checkpoint) => checkpoint.day <= day) ?? this.#checkpoints[0];
    if (found === undefined) throw new RangeError("There is no checkpoint.");
    return found;
  }
}

/** Months until a coalition that wins every vote on membership has more than `share` of the seats. */
export function monthsToCapture(seats: number, own: number, share: number, base: ChangeBase = "before"): number {
  const membership = new Membership(seats, base);
  let held = own;
  for (let month = 0; ; month++) {
    if (held > membership.seats * share) return month;
    const day = (month + 1) * DAYS_OF_WINDOW;
    while (held < membership.seats && membership.remove(day)) if (held > membership.seats * share) return month + 1;
    while (membership.admit(day)) held++;
    if (held > membership.seats * share) return month + 1;
  }
}
