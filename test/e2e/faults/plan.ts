/** A fault that stays for some time. */
export interface PlannedFault<Kind extends string> {
  readonly kind: Kind;
  /** The agent that it befalls. */
  readonly agent: number;
  /** Seconds from the start of the plan. */
  readonly at: number;
  readonly seconds: number;
}

export interface PlanOptions<Kind extends string> {
  readonly kinds: readonly Kind[];
  readonly agents: number;
  /** The most agents that a fault befalls at the same time; with fewer than half the others go on deciding. */
  readonly atOnce: number;
  /** The length of the plan. */
  readonly seconds: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

const [SHORTEST, LONGEST] = [2, 12];
const MEAN_PAUSE = 3;

/**
 * Draws faults: every kind at least once if there is time, then any, at random moments. At any moment an agent has at most one
 * fault, and at most `atOnce` agents have one. All are over at the plan's end.
 */
export function drawPlan<Kind extends string>(options: PlanOptions<Kind>): readonly PlannedFault<Kind>[] {
  const { agents, atOnce, kinds, random, seconds } = options;
  const plan: PlannedFault<Kind>[] = [];
  const due = shuffled(kinds, random);
  const busyUntil = new Array<number>(agents).fill(0);
  for (let at = 0; ; at += -Math.log(1 - random()) * MEAN_PAUSE) {
    const length = SHORTEST + random() * (LONGEST - SHORTEST);
    if (at + SHORTEST > seconds) return plan;
    const busy = busyUntil.filter((until) => until > at).length;
    const free = busyUntil.flatMap((until, agent) => (until > at ? [] : [agent]));
    const agent = free[Math.floor(random() * free.length)];
    if (busy >= atOnce || agent === undefined) continue;
    const kind = due.shift() ?? kinds[Math.floor(random() * kinds.length)];
    if (kind === undefined) return plan;
    const until = Math.min(at + length, seconds);
    busyUntil[agent] = until;
    plan.push({ kind, agent, at, seconds: until - at });
  }
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const keyed = values.map((value) => ({ value, key: random() }));
  return keyed.sort((one, other) => one.key - other.key).map(({ value }) => value);
}
