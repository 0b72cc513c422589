/** The margin is this share of the time from start to deadline. */
const MARGIN_SHARE = 0.2;
/** The longest margin: longer votes do not need more time for their last transaction. */
const MAX_MARGIN_SECONDS = 600;

/** How long before its deadline a vote, or a directive, stops waiting for further signatures, in seconds. */
export function settlementMargin(start: number, deadline: number): number {
  return Math.min(MAX_MARGIN_SECONDS, (deadline - start) * MARGIN_SHARE);
}
