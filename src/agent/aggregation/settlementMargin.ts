/** The end is near when a fifth of the time is left, or this much. */
const MARGIN_SHARE = 0.2;
const MAX_MARGIN_SECONDS = 600;

/** So long before its deadline a vote, or a directive, waits for no further signatures; in seconds. */
export function settlementMargin(start: number, deadline: number): number {
  return Math.min(MAX_MARGIN_SECONDS, (deadline - start) * MARGIN_SHARE);
}
