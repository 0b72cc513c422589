/** A model of hostile seats that are suspended on purpose and return in front of a decision, to raise what it needs. */

const HOUR = 3_600;
const FIRST_HOLD_OFF = HOUR;
const LAST_HOLD_OFF = 7 * 24 * HOUR;

/** How often a seat can be suspended and return within `seconds`: after each return its next suspension waits longer. */
export function returnsWithin(seconds: number): number {
  let returns = 0;
  let now = 0;
  for (let wait = FIRST_HOLD_OFF; now <= seconds; wait = Math.min(LAST_HOLD_OFF, 2 * wait)) {
    returns++;
    now += wait;
  }
  return returns;
}

export interface FrontRun {
  /** Seats that are present and For. */
  readonly honest: number;
  /** Hostile seats that are suspended; they return one after the other, at best for them. */
  readonly hostile: number;
  /** What the honest bring to the chain: as many ballots as were needed when they looked, or all that they have. */
  readonly brings: "needed" | "all";
}

/** Blocks until a claim of fact is decided: each attempt meets as many returns as make it fall short, while there are any. */
export function blocksToDecide({ brings, honest, hostile }: FrontRun): number {
  const all = honest + hostile;
  const needed = (counted: number) => Math.max(Math.floor(counted / 2) + 1, Math.floor(all / 3) + 1);
  let away = hostile;
  for (let block = 1; ; block++) {
    const ballots = brings === "all" ? honest : needed(all - away);
    while (away > 0 && needed(all - away) <= ballots) away--;
    if (needed(all - away) <= ballots) return block;
    if (brings === "all") return Number.POSITIVE_INFINITY;
  }
}
