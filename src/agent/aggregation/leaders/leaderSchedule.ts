import type { Chain } from "../../../ports/chain/index.js";
import type { Address } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import { AgentDefaults } from "../../defaults.js";
import { Rendezvous } from "./rendezvous.js";

/** If a pending transaction cannot be seen, the next node waits until a block may have included it. */
const BLIND_STEP_MS = 20_000;
/** After a pause, such as of the chain, nodes still come in a few at a time, and not all at once. */
const STEPS_PER_UPDATE = 2;

/** Work that one node suffices for, such as a transaction. */
export interface Duty {
  /** Identifies the duty as long as it is to be done. */
  readonly key: string;
  /** Determines the order of the nodes. */
  readonly task: string;
  /** The nodes that may do it. */
  readonly nodes: () => readonly Address[];
}

interface DutyTurn {
  /** The nodes that the order was computed from. */
  readonly nodes: readonly Address[];
  /** Accounts in lower case, the leader first. */
  readonly order: readonly string[];
  /** Since when the duty is to be done, in monotonic milliseconds. */
  readonly since: number;
  /** How many nodes may act besides the leader. */
  steps: number;
  /** The update in which that was decided. */
  update: number;
}

/**
 * One node does each shared duty; a hash picks which one, and which ones step in: the leader may act at once, each further
 * node a step later, so that a leader that is absent, slow or unwilling costs a moment and nothing else.
 */
export class LeaderSchedule {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #stepMs: number;
  readonly #turns = new Map<string, DutyTurn>();
  #update = 0;

  /** @param tip The newest block that this node reads; pending transactions are visible unless it is "latest". */
  constructor(clock: Pick<Clock, "monotonic">, tip?: Chain["tip"]) {
    this.#clock = clock;
    this.#stepMs = tip === "latest" ? BLIND_STEP_MS : AgentDefaults.openStepMs;
  }

  /** Further nodes may step in: once in each cycle, however often it is asked who is due meanwhile, as when messages arrive. */
  update(): void {
    this.#update += 1;
  }

  /** The nodes that may act since the last update, by account in lower case. The duty begins with the first call. */
  due({ key, nodes, task }: Duty): ReadonlySet<string> {
    const turn = this.#turns.get(key) ?? this.#begin(key, task, nodes(), this.#clock.monotonic());
    if (turn.update !== this.#update) {
      const passed = Math.floor((this.#clock.monotonic() - turn.since) / this.#stepMs);
      turn.steps = Math.min(passed, turn.steps + STEPS_PER_UPDATE);
      turn.update = this.#update;
    }
    return new Set(turn.order.slice(0, turn.steps + 1));
  }

  /**
   * Which of the tasks that are open now `self` may do. Tasks that are not open any more end, and a committee that changed
   * has a new order. A node that is not in the committee may act at once: it costs nobody else a turn. Each call is an update.
   */
  dueTasks(tasks: readonly string[], committee: readonly Address[], self: Address): Set<string> {
    this.update();
    const open = new Set(tasks);
    for (const key of this.#turns.keys()) if (!open.has(key)) this.end(key);
    const own = self.toLowerCase();
    const isMember = committee.some((each) => each.toLowerCase() === own);
    return new Set(
      [...open].filter((task) => {
        const known = this.#turns.get(task);
        if (known !== undefined && !isSameList(known.nodes, committee)) {
          Object.assign(this.#begin(task, task, committee, known.since), { steps: known.steps, update: known.update });
        }
        return this.due({ key: task, task, nodes: () => committee }).has(own) || !isMember;
      }),
    );
  }

  /** The duty is done, or not to be done any more. */
  end(key: string): void {
    this.#turns.delete(key);
  }

  /** Ends all duties whose keys begin so. */
  endAll(prefix: string): void {
    for (const key of this.#turns.keys()) if (key.startsWith(prefix)) this.#turns.delete(key);
  }

  #begin(key: string, task: string, nodes: readonly Address[], since: number): DutyTurn {
    const turn = { nodes, order: leaderOrder(task, nodes), since, steps: 0, update: this.#update };
    this.#turns.set(key, turn);
    return turn;
  }
}

/** All nodes, in lower case, in the order in which they do a task: the leader first. */
export function leaderOrder(task: string, nodes: readonly Address[]): string[] {
  return new Rendezvous(nodes).order(task).map((node) => node.toLowerCase());
}

/** The position of `self` in the order, 0 for the leader; -1 if it is not among `nodes`. */
export function leaderRank(task: string, nodes: readonly Address[], self: Address): number {
  return leaderOrder(task, nodes).indexOf(self.toLowerCase());
}

function isSameList(one: readonly Address[], other: readonly Address[]): boolean {
  return one.length === other.length && one.every((each, position) => each === other[position]);
}
