import { SHARE_DENOMINATOR } from "../records/index.js";

/** Votes by support, in nodes. */
export interface Tally {
  readonly for: number;
  readonly against: number;
  readonly abstain: number;
}

export interface SettleInput {
  /** As frozen in the proposal: votes in nodes, `approval` in 60,000ths. */
  readonly rules: {
    /** The seats whose votes count. */
    readonly counted: number;
    readonly neededFor: number;
    readonly fastPathFor: number;
    readonly approval: number;
  };
  /** On chain already. */
  readonly counted: Tally;
  /** Known, valid and not on chain. */
  readonly pending: Tally;
  /** Seconds until the deadline after which ballots no longer count. */
  readonly secondsLeft: number;
  /** How long before the deadline to stop waiting. */
  readonly marginSeconds: number;
  /** Milliseconds since the oldest pending ballot arrived. */
  readonly waitedMs: number;
  /** How long to wait for more ballots before sending those that do not settle the vote. */
  readonly waitForMoreMs: number;
}

/** Why to send pending ballots now. */
export type SettleReason = "decided" | "deadline" | "waited";

/**
 * Why to send pending ballots now: they decide an open vote, its deadline is near, or they have waited long enough for
 * others. Undefined if it is too early.
 */
export function whenToSettle(input: SettleInput): SettleReason | undefined {
  const { rules, counted, pending, secondsLeft, marginSeconds, waitedMs, waitForMoreMs } = input;
  if (sizeOf(pending) === 0) return undefined;
  const all = plus(counted, pending);
  if (!isDecided(rules, counted) && isDecided(rules, all)) return "decided";
  if (secondsLeft <= marginSeconds) return "deadline";
  return waitedMs >= waitForMoreMs ? "waited" : undefined;
}

/**
 * Whether the vote is decided: all have voted, or no ballot that may still come can change the result or end the vote
 * earlier.
 */
export function isDecided(rules: SettleInput["rules"], tally: Tally): boolean {
  const missing = rules.counted - sizeOf(tally);
  if (missing <= 0 || endsEarly(rules, tally)) return true;
  // More votes For never hurt: if all missing votes For do not pass it, nothing does.
  const best = { ...tally, for: tally.for + missing };
  if (!passes(rules, best)) return true;
  const certain = passes(rules, tally) && passes(rules, { ...tally, against: tally.against + missing });
  return certain && !endsEarly(rules, best);
}

/** Whether the governor ends the vote at once when it has counted this tally. */
export function endsEarly(rules: SettleInput["rules"], tally: Tally): boolean {
  return rules.fastPathFor > 0 && tally.for >= rules.fastPathFor;
}

/** Enough votes For, and enough more than Against, as the governor has it at the deadline. */
function passes({ neededFor, approval }: SettleInput["rules"], tally: Tally): boolean {
  return (
    tally.for >= neededFor &&
    tally.for > tally.against &&
    tally.for * SHARE_DENOMINATOR >= approval * (tally.for + tally.against)
  );
}

function plus(a: Tally, b: Tally): Tally {
  return { for: a.for + b.for, against: a.against + b.against, abstain: a.abstain + b.abstain };
}

function sizeOf(tally: Tally): number {
  return tally.for + tally.against + tally.abstain;
}
