/** Fast enough for a test, and still a rollout: a workload has to stay healthy over several probes. */
export const timing = { minReadyMs: 60, progressDeadlineMs: 5_000, probeEveryMs: 20 } as const;
