import type { Proposal } from "../../../client/index.js";
import { SHARE_DENOMINATOR, type TrackRules } from "../../../records/index.js";

/** The largest denominator that people read at a glance, as in 4/5. */
const MAX_DENOMINATOR = 5;

/** A share of {@link SHARE_DENOMINATOR} as people read it: a fraction of small numbers, or percents. */
export function formatShare(share: number): string {
  if (share === 0 || share === SHARE_DENOMINATOR) return share === 0 ? "none" : "all";
  for (let denominator = 2; denominator <= MAX_DENOMINATOR; denominator++) {
    const numerator = (share * denominator) / SHARE_DENOMINATOR;
    if (Number.isInteger(numerator)) return `${numerator}/${denominator}`;
  }
  return `${Number(((share * 100) / SHARE_DENOMINATOR).toFixed(2))} %`;
}

/** What a vote needs to pass, for people. */
export function formatNeeds({
  approval,
  claim,
  fastPathFor,
  neededFor,
}: Pick<Proposal["rules"], "approval" | "claim" | "fastPathFor" | "neededFor">): string {
  if (claim) return `${neededFor} for, which end the vote; nodes that do not see what it claims do not vote`;
  const early = fastPathFor === 0 ? "" : `; ${fastPathFor} for end the vote early`;
  return `${neededFor} for, more for than against, and ${formatShare(approval)} of both for${early}`;
}

/** A track's rules for people, its shares as {@link formatShare} has them. */
export function formatTrackRules(rules: TrackRules): string {
  const { approval, expiry, fastPath, openLimit, quorum, timelock, votingDelay, votingPeriod } = rules;
  return [
    `delay ${votingDelay} s`,
    `period ${votingPeriod} s`,
    `quorum ${formatShare(quorum)}`,
    `approval ${formatShare(approval)}`,
    fastPath ? "ends early" : "never ends early",
    `timelock ${timelock} s`,
    `expiry ${expiry} s`,
    `${openLimit} open for each node`,
  ].join(", ");
}
