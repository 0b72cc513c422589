import type { Analysis } from "../../../policy/index.js";
import type { StateSummary } from "../../../records/index.js";

type AnalyzedState = Pick<Analysis, "health" | "phi" | "state">;

/** Whether two analyses differ in what a State is written down for. */
export function hasChanged(before: Pick<Analysis, "health" | "state"> | undefined, now: AnalyzedState): boolean {
  return before?.state !== now.state || before.health !== now.health;
}

/** Sums up the cycles since a node's last State. */
export class StateSummarizer {
  #cycles = 0;
  #changes = 0;
  #healthy = 0;
  #phi = { min: Number.POSITIVE_INFINITY, sum: 0, max: Number.NEGATIVE_INFINITY };
  #last: AnalyzedState | undefined;

  add(analysis: AnalyzedState): void {
    const { health, phi } = analysis;
    if (this.#last !== undefined && hasChanged(this.#last, analysis)) this.#changes += 1;
    this.#last = analysis;
    this.#cycles += 1;
    if (health === "healthy") this.#healthy += 1;
    const { max, min, sum } = this.#phi;
    this.#phi = { min: Math.min(min, phi), sum: sum + phi, max: Math.max(max, phi) };
  }

  /** The summary so far. At least one cycle must have been added. */
  get current(): StateSummary {
    const { max, min, sum } = this.#phi;
    return {
      cycles: this.#cycles,
      changes: this.#changes,
      healthy: this.#healthy,
      phi: { min, mean: sum / this.#cycles, max },
    };
  }

  /** The next summary begins with the next cycle. */
  clear(): void {
    this.#cycles = 0;
    this.#changes = 0;
    this.#healthy = 0;
    this.#phi = { min: Number.POSITIVE_INFINITY, sum: 0, max: Number.NEGATIVE_INFINITY };
  }
}
