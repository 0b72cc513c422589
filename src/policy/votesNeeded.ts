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

/** The seats that decide on a proposal. */
export interface DecidingSeats {
  /** The size of the committee. */
  readonly all: number;
  /** Those whose votes count: suspended seats are left out. */
  readonly counted: number;
  /** Whether the proposal suspends seats: more than half of all must see that, so that no group takes the others out. */
  readonly suspends?: boolean;
}

/**
 * What the governor demands of a proposal that is opened under these rules: it freezes both numbers. More than half of the
 * counted seats decide a claim of fact; nothing passes with a third of all seats or less.
 */
export function votesNeeded(
  track: Track,
  { approval, fastPath, quorum }: Pick<TrackRules, "approval" | "fastPath" | "quorum">,
  { all, counted, suspends = false }: DecidingSeats,
): VotesNeeded {
  const majority = Math.floor(counted / 2) + 1;
  const least = Math.floor(all / (suspends ? 2 : 3)) + 1;
  const shareOf = (share: number) => Math.ceil((share * counted) / SHARE_DENOMINATOR);
  const claim = isClaimTrack(track);
  const neededFor = Math.max(claim ? majority : shareOf(quorum), least);
  const early = claim ? neededFor : Math.max(neededFor, majority, shareOf(approval));
  return { neededFor, fastPathFor: fastPath ? early : 0 };
}
