import type { HostName, ReplicaSeat } from "./types.js";

/** When a replica that must never run twice stops and starts. Seconds. */
export interface ExclusiveTiming {
  /** How old, by this host's own clock, the newest confirmed block may be by which the replica runs here. */
  readonly leaseSeconds: number;
  /**
   * What the next host waits beyond that: clocks that differ, blocks that are dated ahead, and the time that a stop takes,
   * SIGKILL included.
   */
  readonly marginSeconds: number;
}

export const ExclusiveDefaults: ExclusiveTiming = {
  /** Longer than an RPC address usually fails, shorter than people wait for a service to move. */
  leaseSeconds: 60,
  /** Clocks within 5 s, blocks dated up to 15 s ahead (what Ethereum's clients let through), 10 s to stop. */
  marginSeconds: 30,
};

export interface ExclusiveInput {
  readonly host: HostName;
  /** The seat at the newest confirmed block that this host has; undefined if the replica has none. */
  readonly seat: ReplicaSeat | undefined;
  /** That block's time. */
  readonly blockTime: number;
  /** This host's own wall clock. */
  readonly now: number;
}

/**
 * Whether an exclusive replica that runs here may go on running: this host has its seat at a block that is not older than the
 * lease. How long ago the block *arrived* says nothing: an RPC address that lags hands out old blocks without a pause.
 */
export function mayRun({ host, seat, blockTime, now }: ExclusiveInput, { leaseSeconds }: ExclusiveTiming): boolean {
  return seat?.host === host && now - blockTime <= leaseSeconds;
}

/**
 * Whether an exclusive replica may be started here: it may run here, and the host that had it before has stopped it by now.
 * That is judged by block time alone, which this host cannot be ahead of.
 */
export function mayStart(input: ExclusiveInput, timing: ExclusiveTiming): boolean {
  const { blockTime, seat } = input;
  if (!mayRun(input, timing) || seat === undefined) return false;
  return seat.leftAt === undefined || blockTime >= seat.leftAt + timing.leaseSeconds + timing.marginSeconds;
}
