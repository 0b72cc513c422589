/** The agent's numbers, each with its unit and its reason. */
export const AgentDefaults = {
  /** None to count: the chain itself says what is final. */
  confirmations: 0,
  /** Loopback only: a node that others shall reach says so. */
  listen: ["/ip4/127.0.0.1/tcp/0"] as readonly string[],
  /** One MAPE-K cycle; short enough that a dead workload is seen within a few seconds. */
  cycleMs: 2_000,
  /** States are cheap to batch and nobody waits for them. */
  anchorEveryMs: 60_000,
  /** Longer than a healthy first-in-line needs, short beside the shortest voting period. */
  takeoverMs: 15_000,
  /** A transaction saved is worth a moment, and nobody waits for a ballot that decides nothing. */
  stragglersMs: 30_000,
  /** A block of a few KB takes milliseconds; what takes this long is not there. */
  evidenceTimeoutMs: 8_000,
  /** A workload that has not become healthy by then will not. */
  healthyDeadlineMs: 60_000,
  /** Any three nodes may be lost at once, with their disks, and their records are still there. */
  replicas: 3,
  /** One more loss must not be the last. */
  minReplicas: 2,
  /** Between two looks at what is this node's to keep; each tells the others. */
  keepEveryMs: 5_000,
  /** A restart takes seconds, and moving a share costs more than waiting for one. */
  awayMs: 60_000,
  /** What nothing keeps costs only disk. */
  gcEveryMs: 6 * 3_600_000,
  /** Long enough to notice that something should not have been let go of, while it is still there. */
  graceMs: 7 * 24 * 3_600_000,
  /** Disks rot over months; a pass a day finds it while others still have the block. */
  scrubEveryMs: 24 * 3_600_000,
  /** Records live on three other nodes besides: a backup is for the day on which all are lost. */
  backupEveryMs: 900_000,
  /** Records in one anchor: the proof is 10 hashes deep. */
  maxBatchRecords: 1_000,
  /** Records kept waiting for an anchor before new ones are refused. */
  maxQueuedRecords: 10_000,
  /** Random-looking work must not run at once on all nodes: one step of the duty order. */
  openStepMs: 1_500,
} as const;
