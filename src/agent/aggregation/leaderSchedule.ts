import type { Chain } from "../../ports/chain/index.js";
import type { Address } from "../../records/index.js";
import { AgentDefaults } from "../defaults.js";
import { leaderOrder } from "./leaderOrder.js";

/** Where what waits for its block cannot be seen, the next in line waits until there has been one. */
const BLIND_STEP_MS = 20_000;
/** After a pause, such as of the chain, nodes come in a few at a time all the same, and not all at once. */
const STEPS_PER_LOOK = 2;

/** A transaction that one node suffices for. */
export interface Duty {
  /** The same as long as it is worth a transaction. */
  readonly key: string;
  /** What the order of the nodes follows from. */
  readonly task: string;
  /** Whose duty it may be. */
  readonly nodes: () => readonly Address[];
}

interface Line {
  /** Since when it has been worth a transaction. */
  readonly since: number;
  readonly order: readonly string[];
  /** How many have come in after the first. */
  steps: number;
}

/**
 * Whose turn it is to send what one node suffices for: the first in the duty's order at once, each further one a step
 * later, so that a node that is gone, slow or unwilling costs a moment and nothing else.
 */
export class LeaderSchedule {
  readonly #now: () => number;
  readonly #stepMs: number;
  readonly #lines = new Map<string, Line>();

  /** @param now Milliseconds. */
  constructor(now: () => number, tip: Chain["tip"] | undefined) {
    this.#now = now;
    this.#stepMs = tip === "latest" ? BLIND_STEP_MS : AgentDefaults.openStepMs;
  }

  /** Whose turn has come, by operator in lower case. The line begins with the first time that it is asked for. */
  due({ key, nodes, task }: Duty): ReadonlySet<string> {
    const line = this.#lines.get(key) ?? { since: this.#now(), order: leaderOrder(task, nodes()), steps: 0 };
    this.#lines.set(key, line);
    const passed = Math.floor((this.#now() - line.since) / this.#stepMs);
    line.steps = Math.min(passed, line.steps + STEPS_PER_LOOK);
    return new Set(line.order.slice(0, line.steps + 1));
  }

  /** It is not, or no longer, worth a transaction. */
  end(key: string): void {
    this.#lines.delete(key);
  }
}
