/** A model of the rules of the vote: shares, what is needed, the fast path, floors and ceilings of tracks. */

/** Thirds, fifths and percents of it are whole numbers, and it fits into 16 bits. */
export const SHARE_DENOMINATOR = 60_000;
export const share = (numerator: number, denominator: number) => (numerator * SHARE_DENOMINATOR) / denominator;

/** `part` of `whole`, rounded up. */
export const shareOf = (part: number, whole: number) => Math.ceil((part * whole) / SHARE_DENOMINATOR);
const moreThanHalf = (whole: number) => Math.floor(whole / 2) + 1;

export const CouncilTracks = ["emergency", "operations", "membership", "constitution"] as const;
export type CouncilTrack = (typeof CouncilTracks)[number];
/** A claim of fact gets For or nothing; to suspend a seat takes more than half of all seats. */
export type MotionClass = "order" | "claim" | "suspend";

/** How many seats there are, by whether they are absent. */
export interface SeatCounts {
  readonly all: number;
  readonly suspended: number;
  /** Of those suspended, how many have been so for 30 days. */
  readonly lapsed: number;
}

export interface VoteShares {
  readonly quorum: number;
  readonly approval: number;
}

export interface BallotCounts {
  readonly for: number;
  readonly against: number;
}

/**
 * Two variants of "no order passes below one third of all seats": `atLeast` as first written, `moreThan` as mended. And of
 * the fast path of claims: `byApproval` as first written, `same` as needed as mended.
 */
export interface RuleVariant {
  readonly third: "atLeast" | "moreThan";
  readonly claims: "byApproval" | "same";
}

export const written: RuleVariant = { third: "atLeast", claims: "byApproval" };
export const mended: RuleVariant = { third: "moreThan", claims: "same" };

/** Seats that are counted on this track; no other seat may vote. */
export function countedOn(track: CouncilTrack, { all, lapsed, suspended }: SeatCounts): number {
  return all - (track === "emergency" || track === "operations" ? suspended : lapsed);
}

export interface VoteThresholds {
  readonly needed: number;
  readonly fastPath: number;
}

export function thresholds(
  kind: MotionClass,
  counted: number,
  all: number,
  { approval, quorum }: VoteShares,
  variant: RuleVariant = mended,
): VoteThresholds {
  const third = variant.third === "moreThan" ? Math.floor(all / 3) + 1 : Math.ceil(all / 3);
  const ofCounted = kind === "order" ? shareOf(quorum, counted) : moreThanHalf(counted);
  const needed = kind === "suspend" ? moreThanHalf(all) : Math.max(ofCounted, third);
  if (kind !== "order" && variant.claims === "same") return { needed, fastPath: needed };
  return { needed, fastPath: Math.max(moreThanHalf(counted), shareOf(approval, counted), needed) };
}

/** Whether the motion has passed once the vote is over. */
export function passesAtDeadline(votes: BallotCounts, needed: number, approval: number): boolean {
  const cast = votes.for + votes.against;
  return votes.for >= needed && votes.for > votes.against && votes.for * SHARE_DENOMINATOR >= approval * cast;
}

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

export interface CouncilTrackRules extends VoteShares {
  readonly votingDelay: number;
  readonly votingPeriod: number;
  readonly timelock: number;
  readonly expiry: number;
}

export type CouncilRules = Readonly<Record<CouncilTrack, CouncilTrackRules>>;
export type RuleBounds = Readonly<Record<keyof CouncilTrackRules, readonly [number, number]>>;

const third = share(1, 3);
const half = share(1, 2);
const twoThirds = share(2, 3);
const expiry = [MINUTE, 30 * DAY] as const;

/** Floors and ceilings of every field: durations in seconds, shares of {@link SHARE_DENOMINATOR}. */
export const bounds: Readonly<Record<CouncilTrack, RuleBounds>> = {
  emergency: {
    ...{ votingDelay: [0, 0], votingPeriod: [20, DAY], timelock: [0, 0], expiry },
    ...{ quorum: [third, twoThirds], approval: [half, twoThirds] },
  },
  operations: {
    ...{ votingDelay: [0, 7 * DAY], votingPeriod: [20, 7 * DAY], timelock: [0, DAY], expiry },
    ...{ quorum: [third, twoThirds], approval: [half, twoThirds] },
  },
  membership: {
    ...{ votingDelay: [0, 7 * DAY], votingPeriod: [MINUTE, 30 * DAY], timelock: [0, 7 * DAY], expiry },
    ...{ quorum: [third, twoThirds], approval: [twoThirds, share(4, 5)] },
  },
  constitution: {
    ...{ votingDelay: [0, 7 * DAY], votingPeriod: [MINUTE, 30 * DAY], timelock: [0, 30 * DAY], expiry },
    ...{ quorum: [third, twoThirds], approval: [twoThirds, share(4, 5)] },
  },
};

export const defaultRules: CouncilRules = {
  emergency: {
    ...{ votingDelay: 0, votingPeriod: 60 * MINUTE, timelock: 0, expiry: DAY },
    ...{ quorum: third, approval: half },
  },
  operations: {
    ...{ votingDelay: MINUTE, votingPeriod: DAY, timelock: 10 * MINUTE, expiry: 7 * DAY },
    ...{ quorum: third, approval: half },
  },
  membership: {
    ...{ votingDelay: 60 * MINUTE, votingPeriod: 3 * DAY, timelock: DAY, expiry: 30 * DAY },
    ...{ quorum: half, approval: share(3, 4) },
  },
  constitution: {
    ...{ votingDelay: DAY, votingPeriod: 7 * DAY, timelock: 2 * DAY, expiry: 30 * DAY },
    ...{ quorum: half, approval: share(3, 4) },
  },
};

/** The rules after `setTrack`, or undefined if the governor refuses it. */
export function setTrack(rules: CouncilRules, track: CouncilTrack, next: CouncilTrackRules): CouncilRules | undefined {
  for (const [field, [least, most]] of Object.entries(bounds[track])) {
    const value = next[field as keyof CouncilTrackRules];
    if (value < least || value > most) return undefined;
  }
  const changed = { ...rules, [track]: next };
  return changed.membership.approval < changed.constitution.approval ? undefined : changed;
}

/** All calls of one proposal, or undefined if one of them is refused, which reverts the others. */
export function setTracks(
  rules: CouncilRules,
  calls: readonly (readonly [CouncilTrack, CouncilTrackRules])[],
): CouncilRules | undefined {
  return calls.reduce<CouncilRules | undefined>(
    (current, [track, next]) => current && setTrack(current, track, next),
    rules,
  );
}

/**
 * A proposal that sets the defaults whatever the rules are by then: Constitution goes to its lowest approval first, which
 * Membership's never undercuts.
 */
export const repair: readonly (readonly [CouncilTrack, CouncilTrackRules])[] = [
  ["constitution", { ...defaultRules.constitution, approval: twoThirds }],
  ["membership", defaultRules.membership],
  ["constitution", defaultRules.constitution],
  ["emergency", defaultRules.emergency],
  ["operations", defaultRules.operations],
];
