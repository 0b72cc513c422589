/** What a node says of a directive. */
export type Report = "ready" | "done" | "failed";

export interface AttestInput {
  readonly report: Report;
  /** The nodes that report on the directive. */
  readonly committeeSize: number;
  /** Nodes whose very report, with this very outcome, is on chain already. */
  readonly counted: number;
  /** Nodes whose very report is known, good and not on chain. */
  readonly pending: number;
  /** Whether this node says the same. */
  readonly own: boolean;
  /** Whether any node is known to say that the directive has ended. */
  readonly ending: boolean;
  /** Until reports stop counting. */
  readonly secondsLeft: number;
  /** Close enough to that end to wait no longer. */
  readonly marginSeconds: number;
  /** Since the oldest pending report came. */
  readonly waitedMs: number;
  /** How long pending reports wait for others to come with them. */
  readonly stragglersMs: number;
}

/** Why pending reports are worth a transaction now. */
export type AttestReason = "enacts" | "deadline" | "stragglers";

/** Reports that enact a directive for a committee of so many nodes: more than half, as the registry has it. */
function enactingReports(committeeSize: number): number {
  return Math.floor(committeeSize / 2) + 1;
}

/**
 * Whether reports that wait are to be settled now: when they enact the directive, when its deadline nears, or when they have
 * waited long enough for others. Undefined: not yet. A node pays for what only others say when that enacts, and for nothing
 * else: whoever signs nonsense is to bring it to the chain itself.
 */
export function whenToAttest(input: AttestInput): AttestReason | undefined {
  const { report, counted, pending, own, ending, secondsLeft, marginSeconds, waitedMs, stragglersMs } = input;
  if (pending === 0) return undefined;
  const waited = waitedMs >= stragglersMs;
  // Who is ready interests until somebody has done it: it must not be in the way then.
  if (report === "ready") return own && waited && !ending ? "stragglers" : undefined;

  const needed = enactingReports(input.committeeSize);
  if (counted >= needed) return undefined;
  if (counted + pending >= needed) return "enacts";
  if (!own) return undefined;
  if (secondsLeft <= marginSeconds) return "deadline";
  return waited ? "stragglers" : undefined;
}
