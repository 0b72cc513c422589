import type { Clock } from "../../../utils/clock.js";
import type { PresenceParameters } from "../defaults.js";
import { Accusers } from "./accusers.js";
import { type RandomNumbers, SeatOrder, shuffled } from "./seatOrder.js";

/** A seat to ask whether it is there. */
export interface SeatCheck {
  readonly seat: number;
  readonly timeoutMs: number;
  /** Whether others are asked to probe it too if it does not answer. */
  readonly isHelped: boolean;
}

/** What this node knows of another seat. Times are monotonic milliseconds. */
interface SeatStanding {
  /** When it was heard last; minus infinity if never. */
  heardAt: number;
  /** Checks that failed in a row, up to all of them. */
  failed: number;
  /** When the next check is due; undefined if none is. */
  dueAt: number | undefined;
  /** When the check began that is under way. */
  checkedAt: number | undefined;
  /** Who hinted at it last, while that is neither right nor wrong. */
  hintedBy: number | undefined;
  /** When somebody, this node included, hinted at it last. */
  namedAt: number;
}

export interface SilenceDetectorDependencies {
  readonly parameters: PresenceParameters;
  readonly clock: Pick<Clock, "monotonic">;
  readonly random: RandomNumbers;
}

/** After a hint nodes check within this many milliseconds, not all at once. */
const HINT_SPREAD_MS = { least: 1_000, most: 5_000 } as const;

/**
 * Which seats are silent to this node. It asks the seats in turn, one a period; one that does not answer is asked again,
 * and is silent once it has failed three checks. A hint of another node makes it ask as well, and is never believed. A node
 * whose checks fail for half of all seats doubts itself (after Lifeguard: Dadgar, Phillips, Currey, 2017), and holds nobody silent.
 */
export class SilenceDetector {
  readonly #parameters: PresenceParameters;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #random: RandomNumbers;
  readonly #order: SeatOrder;
  readonly #accusers: Accusers;
  readonly #seats = new Map<number, SeatStanding>();
  /** Those whose next check is due at some time, or that have failed one. */
  readonly #watched = new Set<number>();
  #probeAt: number | undefined;

  constructor({ clock, parameters, random }: SilenceDetectorDependencies) {
    this.#parameters = parameters;
    this.#clock = clock;
    this.#random = random;
    this.#order = new SeatOrder(random);
    this.#accusers = new Accusers(clock, parameters);
  }

  /** Sets the seats besides this node's own. */
  setSeats(seats: readonly number[]): void {
    const now = new Set(seats);
    if (seats.length === this.#seats.size && seats.every((seat) => this.#seats.has(seat))) return;
    for (const seat of this.#seats.keys()) {
      if (now.has(seat)) continue;
      this.#seats.delete(seat);
      this.#watched.delete(seat);
    }
    for (const seat of seats) if (!this.#seats.has(seat)) this.#seats.set(seat, unknown());
    this.#order.set(seats);
    this.#accusers.keep(now);
  }

  /** The checks that begin now. Each ends with {@link heard} or {@link missed}. */
  due(): SeatCheck[] {
    const now = this.#clock.monotonic();
    const { periodMs, timeoutsMs } = this.#parameters;
    const checks: SeatCheck[] = [];
    // Nodes that start together do not probe together.
    this.#probeAt ??= now + this.#random() * periodMs;
    if (this.#probeAt <= now) {
      this.#probeAt = Math.max(this.#probeAt + periodMs, now);
      const seat = this.#order.next((each) => this.#wantsProbe(each, now));
      if (seat !== undefined) checks.push(this.#begin(seat, true, now));
    }
    for (const seat of this.#watched) {
      const standing = this.#seats.get(seat);
      if (standing?.dueAt === undefined || standing.dueAt > now || standing.checkedAt !== undefined) continue;
      // Many seats that fall silent together would cost three requests more in each check.
      checks.push(this.#begin(seat, standing.failed === timeoutsMs.length - 1, now));
    }
    return checks;
  }

  /** The seat answered, or was heard otherwise. */
  heard(seat: number): void {
    const standing = this.#seats.get(seat);
    if (standing === undefined) return;
    if (standing.hintedBy !== undefined) this.#accusers.wrong(standing.hintedBy);
    standing.heardAt = this.#clock.monotonic();
    standing.failed = 0;
    standing.dueAt = undefined;
    standing.checkedAt = undefined;
    standing.hintedBy = undefined;
    this.#watched.delete(seat);
  }

  /** A check of the seat got no answer. It counts for nothing if the seat was heard since it began. */
  missed(seat: number): void {
    const standing = this.#seats.get(seat);
    if (standing?.checkedAt === undefined) return;
    const { checkMs, recheckMs, timeoutsMs } = this.#parameters;
    standing.failed = Math.min(timeoutsMs.length, standing.failed + 1);
    const isSilent = standing.failed === timeoutsMs.length;
    if (isSilent) standing.hintedBy = undefined;
    standing.dueAt = standing.checkedAt + (isSilent ? recheckMs : checkMs);
    standing.checkedAt = undefined;
    this.#watched.add(seat);
  }

  /** Another node says that these seats are silent. It makes this node check them, unless it was wrong too often. */
  hinted(author: number, seats: readonly number[]): void {
    if (!this.#seats.has(author) || this.#accusers.isIgnored(author)) return;
    const now = this.#clock.monotonic();
    const { least, most } = HINT_SPREAD_MS;
    for (const seat of seats) {
      const standing = this.#seats.get(seat);
      if (standing === undefined || seat === author) continue;
      standing.namedAt = now;
      if (standing.failed > 0 || standing.checkedAt !== undefined || standing.dueAt !== undefined) continue;
      if (now - standing.heardAt < this.#parameters.quietMs) continue;
      standing.hintedBy = author;
      standing.dueAt = now + least + this.#random() * (most - least);
      this.#watched.add(seat);
    }
  }

  /** Another node says that this one is silent. Whether that is worth an answer: not of one that was wrong too often. */
  accused(author: number): boolean {
    if (!this.#seats.has(author) || this.#accusers.isIgnored(author)) return false;
    this.#accusers.wrong(author);
    return true;
  }

  /** The silent seats to hint at now: those that nobody has named lately. */
  toName(max: number): number[] {
    const before = this.#clock.monotonic() - this.#parameters.recheckMs;
    const unnamed = this.silent().filter((seat) => (this.#seats.get(seat)?.namedAt ?? 0) <= before);
    return shuffled(unnamed, this.#random).slice(0, max);
  }

  /** These seats are hinted at now. */
  name(seats: readonly number[]): void {
    const now = this.#clock.monotonic();
    for (const seat of seats) {
      const standing = this.#seats.get(seat);
      if (standing !== undefined) standing.namedAt = now;
    }
  }

  /** The seats that are silent to this node; none if it doubts itself. */
  silent(): number[] {
    if (this.doubtsItself) return [];
    const all = this.#parameters.timeoutsMs.length;
    return [...this.#watched].filter((seat) => this.#seats.get(seat)?.failed === all).sort((a, b) => a - b);
  }

  /** The seats that are silent, or will be if they fail one more check. */
  suspects(): number[] {
    const before = this.#parameters.timeoutsMs.length - 1;
    return [...this.#watched].filter((seat) => (this.#seats.get(seat)?.failed ?? 0) >= before);
  }

  /** Whether half of all seats fail its checks: then it is this node that is cut off. */
  get doubtsItself(): boolean {
    return this.failing().length * 2 >= this.#seats.size + 1;
  }

  /** The seats that have failed their last check. */
  failing(): number[] {
    return [...this.#watched].filter((seat) => (this.#seats.get(seat)?.failed ?? 0) > 0);
  }

  /** Milliseconds since the seat was heard last; undefined if it never was. */
  sinceHeard(seat: number): number | undefined {
    const since = this.#clock.monotonic() - (this.#seats.get(seat)?.heardAt ?? Number.NEGATIVE_INFINITY);
    return Number.isFinite(since) ? since : undefined;
  }

  #wantsProbe(seat: number, now: number): boolean {
    const standing = this.#seats.get(seat);
    if (standing === undefined || standing.checkedAt !== undefined || standing.dueAt !== undefined) return false;
    return now - standing.heardAt >= this.#parameters.quietMs;
  }

  #begin(seat: number, isHelped: boolean, now: number): SeatCheck {
    const { timeoutsMs } = this.#parameters;
    const standing = this.#seats.get(seat) as SeatStanding;
    standing.checkedAt = now;
    standing.dueAt = undefined;
    return { seat, isHelped, timeoutMs: timeoutsMs[Math.min(standing.failed, timeoutsMs.length - 1)] as number };
  }
}

function unknown(): SeatStanding {
  return {
    heardAt: Number.NEGATIVE_INFINITY,
    failed: 0,
    dueAt: undefined,
    checkedAt: undefined,
    hintedBy: undefined,
    namedAt: Number.NEGATIVE_INFINITY,
  };
}
