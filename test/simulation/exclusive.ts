import {
  type ExclusiveTiming,
  type HostEntry,
  mayRun,
  mayStart,
  NO_PLACEMENT,
  type PlacedWorkload,
  type Placement,
  place,
} from "../../src/policy/placement/index.js";
import type { SeededRandom } from "./random.js";

/** How a host decides that its view is too old to go on: by the block's own time, or by when it arrived. */
export type LeaseRule = "block-time" | "arrival";

const BLOCK_SECONDS = 3;
const MAX_SKEW_SECONDS = 5;
const MAX_STOP_SECONDS = 10;

interface ExclusiveHost {
  readonly name: string;
  readonly skew: number;
  /** How late blocks are, by second; they never stop coming from an address that lags. */
  readonly lag: (now: number) => number;
  readonly isAway: (now: number) => boolean;
  newest: number;
  arrivedAt: number;
  /** Until when a copy that is being stopped still runs; infinite while it is not. */
  runsUntil: number | undefined;
}

/**
 * One exclusive replica, whose host is suspended now and then. The seconds in which two hosts run it.
 *
 * @param seconds how long to watch.
 */
export function secondsTwice(rule: LeaseRule, timing: ExclusiveTiming, random: SeededRandom, seconds = 3_000): number {
  const workload: PlacedWorkload = { name: "db", since: [1, 0], replicas: 1, selector: {}, exclusive: true };
  const suspended = Array.from({ length: 4 }, () => ({
    from: random.integer(100, seconds),
    for: random.integer(50, 600),
  }));
  const hosts = suspended.map(({ from }, i) => hostOf(i, from, random, seconds));
  const blocks: { readonly time: number; readonly placement: Placement }[] = [];
  let twice = 0;
  for (let now = 0; now < seconds; now++) {
    if (now % BLOCK_SECONDS === 0) {
      const entries = hosts.map(({ name }, i): HostEntry => {
        const { for: length = 0, from = 0 } = suspended[i] ?? {};
        return { name, labels: {}, draining: false, slots: 1, present: now < from || now >= from + length };
      });
      const view = { blockTime: now, workloads: [workload], hosts: entries };
      blocks.push({ time: now, placement: place(view, blocks.at(-1)?.placement ?? NO_PLACEMENT) });
    }
    for (const host of hosts) act(host, now, { blocks, random, rule, timing });
    if (hosts.filter(({ runsUntil }) => (runsUntil ?? -1) > now).length > 1) twice++;
  }
  return twice;
}

function act(
  host: ExclusiveHost,
  now: number,
  {
    blocks,
    random,
    rule,
    timing,
  }: {
    readonly blocks: readonly { readonly time: number; readonly placement: Placement }[];
    readonly random: SeededRandom;
    readonly rule: LeaseRule;
    readonly timing: ExclusiveTiming;
  },
): void {
  if (!host.isAway(now)) {
    while (host.newest + 1 < blocks.length && (blocks[host.newest + 1]?.time ?? 0) <= now - host.lag(now)) {
      host.newest++;
      host.arrivedAt = now;
    }
  }
  const block = blocks[host.newest];
  if (block === undefined) return;
  const input = {
    host: host.name,
    seat: block.placement.seats.get("db/0"),
    blockTime: block.time,
    // By arrival every block is as new as it came.
    now: rule === "arrival" ? block.time + (now - host.arrivedAt) : now + host.skew,
  };
  const runs = host.runsUntil === Number.POSITIVE_INFINITY;
  if (runs && !mayRun(input, timing)) host.runsUntil = now + random.integer(1, MAX_STOP_SECONDS);
  if (!runs && mayStart(input, timing)) host.runsUntil = Number.POSITIVE_INFINITY;
}

function hostOf(index: number, suspendedAt: number, random: SeededRandom, seconds: number): ExclusiveHost {
  const lagsFrom = random.integer(0, seconds);
  // Half of them do not see that they are suspended.
  const awayFrom = random.chance(0.5) ? suspendedAt - random.integer(0, 3) : random.integer(0, seconds);
  const lag = random.pick([0, 20, 120, 600]);
  return {
    name: `host${index}`,
    skew: random.integer(-MAX_SKEW_SECONDS, MAX_SKEW_SECONDS),
    lag: (now) => (now >= lagsFrom ? lag : 3),
    isAway: (now) => now >= awayFrom && now < awayFrom + 400,
    newest: -1,
    arrivedAt: 0,
    runsUntil: undefined,
  };
}
