/** A node's report on a directive. */
export type Report = "ready" | "done" | "failed";

export interface AttestInput {
  readonly report: Report;
  /**
   * How many nodes' same report enacts the directive: more than half of those of its committee that are seated with the same
   * agent, and present.
   */
  readonly needed: number;
  /** The number of those nodes whose same report, with the same outcome, is on chain already. */
  readonly counted: number;
  /** The number of those nodes whose same report is known, valid and not on chain. */
  readonly pending: number;
  /** Whether this node's own report is among them. */
  readonly own: boolean;
  /** Whether any node is known to report `done` or `failed`. */
  readonly ending: boolean;
  /** Seconds until the deadline after which reports no longer count. */
  readonly secondsLeft: number;
  /** How long before the deadline to stop waiting. */
  readonly marginSeconds: number;
  /** Milliseconds since the oldest pending report arrived. */
  readonly waitedMs: number;
  /** How long to wait for more reports before sending those that do not enact the directive. */
  readonly waitForMoreMs: number;
}

/** Why to send pending reports now. */
export type AttestReason = "enacts" | "deadline" | "waited";

/**
 * Why to send pending reports now: they enact the directive, its deadline is near, or they have waited long enough for
 * others. Undefined if it is too early. A node pays for other nodes' reports only if they enact the directive, so that
 * nodes that sign false reports pay for them themselves.
 */
export function whenToAttest(input: AttestInput): AttestReason | undefined {
  const { report, counted, needed, pending, own, ending, secondsLeft, marginSeconds, waitedMs, waitForMoreMs } = input;
  if (pending === 0) return undefined;
  const waited = waitedMs >= waitForMoreMs;
  // `ready` reports are worth nothing once a node reports the end, and must not delay that.
  if (report === "ready") return own && waited && !ending ? "waited" : undefined;

  if (counted >= needed) return undefined;
  if (counted + pending >= needed) return "enacts";
  if (!own) return undefined;
  if (secondsLeft <= marginSeconds) return "deadline";
  return waited ? "waited" : undefined;
}
