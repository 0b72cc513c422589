/** How a node finds out which others are silent. Times are in milliseconds. */
export interface PresenceParameters {
  /** Between two probes of a seat of which nothing was heard lately. */
  readonly periodMs: number;
  /** Nodes that are asked to probe a seat that did not answer. */
  readonly helpers: number;
  /** How long each of the checks of one seat waits, the first one first. A seat that fails all of them is silent. */
  readonly timeoutsMs: readonly number[];
  /** Between two checks of one seat. */
  readonly checkMs: number;
  /** A seat that was heard in this time needs no check. */
  readonly quietMs: number;
  /** Between two checks of a seat that is held silent, and between two hints at it. */
  readonly recheckMs: number;
  /** Between two hints of one author. */
  readonly hintMs: number;
  /** Hints of one author that may be wrong before it is ignored. */
  readonly maxWrongHints: number;
  /** After each of these one wrong hint is forgiven. */
  readonly forgiveMs: number;
  /** Seats that are probed before this node calls another silent. */
  readonly sample: number;
  /** When the next such sample may begin. A sample counts for twice as long. */
  readonly sampleMs: number;
}

/**
 * Found by simulation, for 5 to 500 seats and up to a fifth of all messages lost: test/simulation/presence.test.ts. Simulated too,
 * with these files themselves on virtual time and 500 nodes (`npm run bench -- council`): 83,432 bytes and 22.2 signature checks a
 * node and calm minute, against 4.8 MB and 2,994 by flooding. When 200 die at once, more than half of all seats hold all of them
 * silent after 157 s, and within 167 s with another seed, at 1.35 MB and 409 checks a living node in the worst minute, most of it
 * for the sample before a Suspend is signed.
 */
export const PresenceDefaults: PresenceParameters = {
  periodMs: 5_000,
  helpers: 3,
  timeoutsMs: [2_000, 5_000, 10_000],
  /** Three checks take longer than a restart. */
  checkMs: 15_000,
  quietMs: 30_000,
  recheckMs: 60_000,
  hintMs: 60_000,
  maxWrongHints: 4,
  forgiveMs: 600_000,
  sample: 40,
  /** A motion is signed at once, and a partition is noticed within twice this. */
  sampleMs: 30_000,
};
