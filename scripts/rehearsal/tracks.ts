import type { Track, TrackRules } from "../../src/records/index.js";

/** One second before the vote, two minutes for it, and the shares of the default operations track. */
const rules: TrackRules = {
  votingDelay: 1,
  votingPeriod: 120,
  quorum: 20_000,
  approval: 30_000,
  fastPath: true,
  timelock: 1,
  expiry: 600,
  openLimit: 8,
};

/** The rules of a rehearsal's tracks: the same for all, as far as the contracts allow it. Its votes are on operations. */
export const rehearsalTracks: Record<Track, TrackRules> = {
  emergency: { ...rules, votingDelay: 0, timelock: 0 },
  operations: rules,
  membership: { ...rules, quorum: 30_000, approval: 40_000 },
  constitution: { ...rules, quorum: 30_000, approval: 40_000 },
};
