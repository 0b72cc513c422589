import { type Track, type TrackRules, Tracks } from "../../src/records/index.js";

/** One second before the vote, two minutes for it, and the shares of the default operations track. */
const rules: TrackRules = {
  votingDelay: 1,
  votingPeriod: 120,
  quorum: 3_300,
  approval: 5_000,
  fastPath: 6_700,
  timelock: 1,
  expiry: 600,
  openLimit: 8,
};

/** The rules of a rehearsal's tracks: the same for all. */
export const rehearsalTracks = Object.fromEntries(Tracks.map((track) => [track, rules])) as Record<Track, TrackRules>;
