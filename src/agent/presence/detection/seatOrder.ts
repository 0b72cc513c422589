/** Numbers from 0 up to, not including, 1. */
export type RandomNumbers = () => number;

/** The same things in a random order. */
export function shuffled<Thing>(things: readonly Thing[], random: RandomNumbers): Thing[] {
  const keyed = things.map((thing) => ({ thing, key: random() }));
  return keyed.sort((one, other) => one.key - other.key).map(({ thing }) => thing);
}

/** The seats, one after another, in an order that is drawn anew after each round: each is met once in a round. */
export class SeatOrder {
  readonly #random: RandomNumbers;
  #seats: readonly number[] = [];
  #left: number[] = [];

  constructor(random: RandomNumbers) {
    this.#random = random;
  }

  /** Sets the seats; a round that is under way goes on with those that are still there and the new ones. */
  set(seats: readonly number[]): void {
    const before = new Set(this.#seats);
    const now = new Set(seats);
    const added = seats.filter((seat) => !before.has(seat));
    this.#seats = [...seats];
    this.#left = shuffled([...this.#left.filter((seat) => now.has(seat)), ...added], this.#random);
  }

  /** The next seat that is wanted; undefined if none is. Those that are passed over have had their turn. */
  next(isWanted: (seat: number) => boolean): number | undefined {
    for (let passed = 0; passed < this.#seats.length; passed++) {
      if (this.#left.length === 0) this.#left = shuffled(this.#seats, this.#random);
      const seat = this.#left.pop();
      if (seat !== undefined && isWanted(seat)) return seat;
    }
    return undefined;
  }
}
