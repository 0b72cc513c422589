/** The agent's numbers, each with its unit and its reason. */
export const AgentDefaults = {
  /** Counts no blocks: the chain's `finalized` tag says what is final. */
  confirmations: 0,
  /** Above what Ethereum asks on all but its worst days. What waits costs time, which most of an agent's transactions have. */
  maxFeeGwei: 500,
  /** Loopback only: an operator must configure addresses that other machines can reach. */
  listen: ["/ip4/127.0.0.1/tcp/0"] as readonly string[],
  /** One MAPE-K cycle; short enough that a dead replica is seen within a few seconds. */
  cycleMs: 2_000,
  /**
   * No decision waits for a state. 16 anchors a day cost a node 950,000 gas where each anchors alone, which is the most that
   * states should cost in any mesh; at once every minute it was 85 million.
   */
  anchorEveryMs: 5_400_000,
  /** A state that changes more often than this is written down as a number of changes: a flapping one fills no disk. */
  stateEveryMs: 600_000,
  /** Incidents that are anchored at once, as after an outage ... */
  urgentAnchors: 20,
  /** ... and how often another may be after these: an incident an instance of a replica must not spend an account. */
  urgentAnchorEveryMs: 300_000,
  /** Longer than a healthy leader needs, and short beside the shortest voting period. */
  takeoverMs: 15_000,
  /** One transaction for many saves gas, and no decision waits for signatures that do not settle a vote. */
  waitForMoreMs: 30_000,
  /** A block of a few KB takes milliseconds: one that takes this long is missing. */
  evidenceTimeoutMs: 8_000,
  /** A replica that is not healthy by then is taken to be broken. */
  progressDeadlineMs: 60_000,
  /** Some releases of the largest kind, to turn back to, on a disk that others use too. */
  maxReleaseBytes: 16 * 1024 ** 3,
  /** Records survive the loss of any three nodes at once, disks included. */
  replicas: 3,
  /**
   * Of the records of one other author on this node: a hundred models of 100 MB, and a hundred times the states, manifests and
   * incidents of a node that works as it should. One author alone can fill no disk.
   */
  authorQuota: { bytes: 10 * 1024 ** 3, records: 100_000 },
  /** With two copies left, one more loss still loses no record. */
  minReplicas: 2,
  /** Between two passes of the replicator. Each pass sends the other nodes one report. */
  replicateEveryMs: 5_000,
  /** Hosts fetch a bundle as soon as it is ordered: this is for the copies on other nodes. */
  holdBundlesEveryMs: 30_000,
  /** A restart takes seconds, and copying a share costs more than waiting for one. */
  awayMs: 60_000,
  /** Blocks that nothing pins cost only disk. */
  gcEveryMs: 6 * 3_600_000,
  /** Long enough to notice a wrong unpin while the block is still there. */
  graceMs: 7 * 24 * 3_600_000,
  /** Disks rot over months; a pass a day finds it while others still have the block. */
  scrubEveryMs: 24 * 3_600_000,
  /** Three other nodes keep each record too: a backup is for the loss of all of them. */
  backupEveryMs: 900_000,
  /** Records in one anchor: proofs are 10 hashes long. */
  maxBatchRecords: 1_000,
  /** Records that may wait for an anchor before new ones are refused. */
  maxQueuedRecords: 10_000,
  /** Room that is taken ahead on the disk for what the node signs: thousands of votes, until somebody makes room. */
  reserveBytes: 1024 * 1024,
  /** LevelDB rewrites some tens of MB at once, and SQLite's log grows to 32 MB before it is put into place. */
  lowSpaceBytes: 128 * 1024 * 1024,
  /** One step of the leader order: nodes with the same plan do not all open it at once. */
  openStepMs: 1_500,
} as const;
