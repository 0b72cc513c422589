/** How long a test waits for what nodes do by themselves on a busy machine; for `expect.poll`. */
export const patience = { timeout: 60_000, interval: 100 };

/** A wait that no test sees the end of, unless its clock passes it. */
export const NEVER_MS = 3_600_000;
