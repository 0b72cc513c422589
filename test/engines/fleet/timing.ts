/** Fast enough for a test, and still a rollout: a workload has to stay healthy over several probes. */
export const timing = { minHealthyMs: 60, healthyDeadlineMs: 5_000, probeEveryMs: 20 } as const;
