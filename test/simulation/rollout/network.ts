import type { StageReport, WitnessStatement } from "../../../src/policy/rollout/index.js";
import type { SeededRandom } from "../random.js";
import { pairOf, type Scenario } from "./scenario.js";

/** What hosts tell each other. */
export type Gossip =
  | { readonly kind: "report"; readonly report: StageReport }
  | { readonly kind: "statement"; readonly statement: WitnessStatement };

interface Delivery {
  readonly to: number;
  readonly item: Gossip;
}

/** Of probes and messages over a flaky link so many get lost. */
const FLAKY_LOSS = 0.8;
const LATE_SECONDS = 25;

/** A network in virtual seconds that loses, delays, repeats and reorders messages, and that partitions cut. */
export class SimulatedNetwork {
  readonly #scenario: Scenario;
  readonly #random: SeededRandom;
  readonly #due = new Map<number, Delivery[]>();
  #healed = false;

  constructor(scenario: Scenario, random: SeededRandom) {
    this.#scenario = scenario;
    this.#random = random;
  }

  /** From now on nothing is lost, late or cut. */
  heal(): void {
    this.#healed = true;
  }

  isCut(one: number, other: number, now: number): boolean {
    if (this.#healed) return false;
    return this.#scenario.partitions.some(
      ({ cut, from, to }) => now >= from && now < to && cut.has(one) !== cut.has(other),
    );
  }

  /** Whether one exchange between two hosts gets through. */
  reaches(one: number, other: number, now: number): boolean {
    if (this.#healed) return true;
    if (this.isCut(one, other, now)) return false;
    const { flaky } = this.#scenario;
    return flaky.size === 0 || !flaky.has(pairOf(one, other)) || !this.#random.chance(FLAKY_LOSS);
  }

  send(from: number, to: number, item: Gossip, now: number): void {
    const { duplicates, lateShare, loss } = this.#scenario;
    const copies = !this.#healed && this.#random.chance(duplicates) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (!this.#healed && (this.#random.chance(loss) || !this.reaches(from, to, now))) continue;
      const isLate = !this.#healed && this.#random.chance(lateShare);
      const at = now + this.#random.integer(1, isLate ? LATE_SECONDS : 2);
      const due = this.#due.get(at);
      if (due === undefined) this.#due.set(at, [{ to, item }]);
      else due.push({ to, item });
    }
  }

  /** What arrives in this second. */
  arriving(now: number): readonly Delivery[] {
    const due = this.#due.get(now) ?? [];
    this.#due.delete(now);
    return due;
  }
}
