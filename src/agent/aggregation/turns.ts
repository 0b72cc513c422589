import type { Address } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import { AgentDefaults } from "../defaults.js";
import { leaderRank } from "./leaderOrder.js";

/**
 * Nodes taking turns at what only one needs to do: the first in the task's duty order at once, each further one a step
 * later, so that others come in when it does not.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #self: Address;
  readonly #firstSeen = new Map<string, number>();

  constructor(clock: Clock, self: Address) {
    this.#clock = clock;
    this.#self = self;
  }

  /** The tasks, of those that are open now, whose turn has come for this node. Tasks that are gone are forgotten. */
  due(tasks: readonly string[], committee: readonly Address[]): Set<string> {
    const now = this.#clock.now();
    const open = new Set(tasks);
    for (const task of this.#firstSeen.keys()) if (!open.has(task)) this.#firstSeen.delete(task);
    for (const task of open) if (!this.#firstSeen.has(task)) this.#firstSeen.set(task, now);
    return new Set(
      [...open].filter((task) => {
        const rank = Math.max(0, leaderRank(task, committee, this.#self));
        return now >= (this.#firstSeen.get(task) ?? now) + rank * AgentDefaults.openStepMs;
      }),
    );
  }
}
