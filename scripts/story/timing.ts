import type { Track, TrackRules } from "../../src/records/index.js";

/** The default tracks with seconds instead of hours; the shares are the defaults. */
export const storyTracks: Record<Track, TrackRules> = {
  emergency: {
    votingDelay: 0,
    votingPeriod: 25,
    quorum: 20_000,
    approval: 30_000,
    fastPath: true,
    timelock: 0,
    expiry: 600,
    openLimit: 8,
  },
  operations: {
    votingDelay: 1,
    votingPeriod: 60,
    quorum: 20_000,
    approval: 30_000,
    fastPath: true,
    timelock: 1,
    expiry: 600,
    openLimit: 8,
  },
  membership: {
    votingDelay: 5,
    votingPeriod: 60,
    quorum: 30_000,
    approval: 45_000,
    fastPath: false,
    timelock: 5,
    expiry: 600,
    openLimit: 4,
  },
  constitution: {
    votingDelay: 5,
    votingPeriod: 90,
    quorum: 30_000,
    approval: 45_000,
    fastPath: false,
    timelock: 10,
    expiry: 600,
    openLimit: 2,
  },
};

/** How quickly the story's agents act. */
export const storyTiming = {
  agent: {
    cycleMs: 1_500,
    anchorEveryMs: 20_000,
    takeoverMs: 12_000,
    evidenceTimeoutMs: 6_000,
    waitForMoreMs: 3_000,
    presence: { periodMs: 2_000, checkMs: 8_000, quietMs: 15_000, recheckMs: 20_000, hintMs: 20_000, sampleMs: 10_000 },
  },
  progressDeadlineMs: 4_000,
  /** How long the story waits for a healthy node to propose rounds before it proposes them itself. */
  spontaneousMs: 20_000,
};
