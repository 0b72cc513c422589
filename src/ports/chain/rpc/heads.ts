/** The newest block of an endpoint, as it says. */
export interface Head {
  readonly number: number;
  /** Seconds since the Unix epoch. */
  readonly time: number;
}

/** Why an endpoint's head is not taken for the chain's. */
export type HeadFault = "behind" | "ahead";

/**
 * An endpoint is behind once its newest block is this much older, in seconds, than the chain's: more than two slots of
 * Ethereum. One that is a block late is as good as the others.
 */
const MAX_LAG_SECONDS = 30;
/** Blocks that any endpoint may be late by. On a chain with rare blocks two of them may be minutes apart. */
const MAX_LAG_BLOCKS = 1;
/** A block later than this by wall time, in seconds, cannot be: clocks of machines differ by less. */
const MAX_FUTURE_SECONDS = 15 * 60;

/**
 * Judges the heads of all endpoints that answered. The chain's head is the highest one that half of them have reached. A
 * higher one, which they may have missed, is taken instead unless its block's time is in the future.
 *
 * @param wallTime In seconds since the Unix epoch. The time of the chain counts instead if it is ahead, as on a development chain.
 * @returns Why each is not well; undefined if it is.
 */
export function judgeHeads(heads: readonly (Head | undefined)[], wallTime: number): (HeadFault | undefined)[] {
  const answered = heads.filter((head) => head !== undefined).sort((a, b) => b.number - a.number);
  // One at the genesis block has just begun to sync: that block's time, often zero or another machine's, says nothing.
  const started = answered.filter(({ number }) => number > 0);
  const known = started.length > 0 ? started : answered;
  const common = known[Math.floor(known.length / 2)];
  if (common === undefined) return heads.map(() => undefined);
  const latest = Math.max(wallTime, common.time) + MAX_FUTURE_SECONDS;
  const best = known.find(({ time }) => time <= latest) ?? common;
  return heads.map((head) => {
    if (head === undefined) return undefined;
    if (head.number === 0 && best.number > 0) return "behind";
    if (head.time > latest) return "ahead";
    const isLate = best.number - head.number > MAX_LAG_BLOCKS && best.time - head.time > MAX_LAG_SECONDS;
    return isLate ? "behind" : undefined;
  });
}
