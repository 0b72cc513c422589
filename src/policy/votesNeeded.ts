import { SHARE_DENOMINATOR, type Track, type TrackRules } from "../records/index.js";

/** Votes For, in nodes. */
export interface VotesNeeded {
  /** Without which a vote does not pass. */
  readonly neededFor: number;
  /** That end it early: no later ballot could change the result. 0 if the track has no fast path. */
  readonly fastPathFor: number;
}

/** Whether proposals of the track claim a fact: nodes that see it vote For, others not at all. */
export function isClaimTrack(track: Track): boolean {
  return track === "emergency";
}

/**
 * What the governor demands of a proposal that is opened under these rules: it freezes both numbers. More than half decide
 * a claim of fact; nothing passes with a third of all nodes or less.
 */
export function votesNeeded(
  track: Track,
  { approval, fastPath, quorum }: Pick<TrackRules, "approval" | "fastPath" | "quorum">,
  committeeSize: number,
): VotesNeeded {
  const majority = Math.floor(committeeSize / 2) + 1;
  const least = Math.floor(committeeSize / 3) + 1;
  const shareOf = (share: number) => Math.ceil((share * committeeSize) / SHARE_DENOMINATOR);
  const claim = isClaimTrack(track);
  const neededFor = Math.max(claim ? majority : shareOf(quorum), least);
  const early = claim ? neededFor : Math.max(neededFor, majority, shareOf(approval));
  return { neededFor, fastPathFor: fastPath ? early : 0 };
}
