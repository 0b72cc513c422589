import type { RolloutTiming, Strategy } from "../../../src/records/index.js";
import type { SeededRandom } from "../random.js";

/** What a new release is in truth. `seen`: whether its host, and others over the network, notice. */
export type Quality =
  | "good"
  | "slow-start"
  | "never-healthy"
  | "crashes"
  | "flaps"
  | "degrades"
  | "seen-by-host"
  | "seen-by-others"
  | "unable"
  | "half-unable";

export const BAD: readonly Quality[] = [
  "never-healthy",
  "crashes",
  "flaps",
  "degrades",
  "seen-by-host",
  "seen-by-others",
  "unable",
];

/** How a lying host speaks of its own replica. Each also lies as a witness, against the truth, and attests the wrong outcome. */
export type Lie =
  /** It calls its replica ready whatever it is, and never goes back. */
  | "denies"
  /** It never says anything of its replica. */
  | "withholds"
  /** It calls its healthy replica sick. */
  | "alarms"
  /** It says both, and as a witness two things of one interval. */
  | "equivocates";

interface Outage {
  readonly host: number;
  /** Seconds since the issue. */
  readonly from: number;
  readonly to: number;
  /** `agent`: its process is down, replicas run on. `machine`: all is. `chain`: its RPC gives no blocks and takes nothing. */
  readonly what: "agent" | "machine" | "chain";
}

export interface Scenario {
  readonly seed: number;
  readonly hosts: number;
  readonly replicas: number | "all";
  readonly strategy: Strategy;
  readonly timing: RolloutTiming;
  readonly failureLimit: number | undefined;
  readonly irreversible: boolean;
  readonly windowSeconds: number;
  readonly quality: Quality;
  /** What each liar does, by host. */
  readonly liars: ReadonlyMap<number, Lie>;
  readonly loss: number;
  readonly duplicates: number;
  readonly lateShare: number;
  /** Pairs of hosts between which most probes and messages get lost. */
  readonly flaky: ReadonlySet<string>;
  readonly outages: readonly Outage[];
  readonly partitions: readonly { readonly from: number; readonly to: number; readonly cut: ReadonlySet<number> }[];
  readonly joinsAt: number | undefined;
  readonly control: { readonly at: number; readonly action: "pause" | "abort" } | undefined;
  /** Seconds by which a host's blocks are late, and its clock is wrong. */
  readonly lags: readonly number[];
  readonly skews: readonly number[];
  /**
   * So many seconds after the issue hosts end by their own judgement, instead of by what is enacted: done if they hold the
   * evidence for it, else back. A rule that is unsound; undefined for the real one.
   */
  readonly endsAloneAt: number | undefined;
}

const TIMING: RolloutTiming = {
  startSeconds: 4,
  minReadySeconds: 6,
  progressSeconds: 30,
  probeSeconds: 2,
  intervalSeconds: 6,
  lagSeconds: 12,
};

export interface ScenarioOptions {
  readonly liarShare?: number;
  readonly lies?: readonly Lie[];
  readonly quality?: Quality;
  readonly hosts?: number;
  readonly calm?: boolean;
  readonly failureLimit?: number | "default";
  readonly replicas?: number;
  readonly strategy?: Strategy;
  readonly endsAlone?: boolean;
}

/** A scenario that follows from the seed, and from what is fixed by `options`. */
export function scenarioOf(seed: number, random: SeededRandom, options: ScenarioOptions = {}): Scenario {
  const calm = options.calm ?? false;
  const hosts = options.hosts ?? (random.chance(0.02) ? random.integer(13, 24) : random.integer(3, 9));
  const replicas = options.replicas ?? (random.chance(0.3) ? "all" : random.integer(Math.ceil(hosts / 2), hosts + 2));
  const count = replicas === "all" ? hosts : replicas;
  const strategy = options.strategy ?? strategyOf(random, count);
  const share = options.liarShare ?? random.pick([0, 0, 0.1, 0.2, 0.3]);
  const lies = options.lies ?? (["denies", "withholds", "alarms", "equivocates"] as const);
  const places = random.shuffled(Array.from({ length: hosts }, (_, i) => i));
  const liars = new Map(places.slice(0, Math.floor(hosts * share)).map((host) => [host, random.pick(lies)]));
  const windowSeconds = random.integer(100, 400) + count * 75;
  const busy = Math.min(windowSeconds, 400);
  const outages = calm
    ? []
    : Array.from({ length: random.integer(0, Math.ceil(hosts / 2)) }, (): Outage => {
        const from = random.integer(0, busy);
        const what = random.pick(["agent", "agent", "machine", "chain"] as const);
        return {
          host: random.integer(0, hosts - 1),
          from,
          to: from + random.integer(3, what === "agent" ? 20 : 150),
          what,
        };
      });
  const cutAt = random.integer(0, busy);
  const cut = new Set(places.slice(0, random.integer(1, Math.max(1, Math.floor(hosts / 2)))));
  const isCut = !calm && random.chance(0.3);
  const pairs = calm || !random.chance(0.4) ? 0 : random.integer(1, hosts);
  return {
    seed,
    hosts,
    replicas,
    strategy,
    timing: TIMING,
    failureLimit:
      options.failureLimit === "default" ? undefined : (options.failureLimit ?? (random.chance(0.3) ? 0 : undefined)),
    irreversible: random.chance(0.1),
    windowSeconds,
    quality: options.quality ?? (random.chance(0.4) ? "good" : random.pick(["slow-start", "half-unable", ...BAD])),
    liars,
    loss: calm ? 0 : random.pick([0, 0.05, 0.2, 0.4]),
    duplicates: calm ? 0 : 0.1,
    lateShare: calm ? 0 : 0.05,
    flaky: new Set(
      Array.from({ length: pairs }, () => pairOf(random.integer(0, hosts - 1), random.integer(0, hosts - 1))),
    ),
    outages,
    partitions: isCut ? [{ from: cutAt, to: cutAt + random.integer(20, 200), cut }] : [],
    joinsAt: random.chance(0.3) ? random.integer(5, busy) : undefined,
    control:
      !calm && random.chance(0.06)
        ? { at: random.integer(5, 100), action: random.pick(["pause", "abort"]) }
        : undefined,
    lags: places.map(() => (calm ? 0 : random.chance(0.1) ? random.integer(5, 60) : random.integer(0, 4))),
    endsAloneAt: options.endsAlone ? random.integer(30, 90) : undefined,
    skews: places.map(() => (calm ? 0 : random.integer(-3, 3))),
  };
}

function strategyOf(random: SeededRandom, count: number): Strategy {
  const maxUnavailable = random.integer(1, Math.max(1, Math.ceil(count / 3)));
  const maxSurge = random.integer(0, 2);
  switch (random.pick(["rolling", "canary", "canary", "blue-green"] as const)) {
    case "rolling":
      return { kind: "rolling", maxUnavailable, maxSurge };
    case "canary":
      return {
        kind: "canary",
        shares: random.pick([[10, 50, 100], [5, 10, 25, 50, 100], [34, 100], [100]]),
        maxUnavailable,
        maxSurge,
        soakSeconds: random.integer(12, 24),
      };
    default:
      return { kind: "blue-green", soakSeconds: random.integer(12, 24) };
  }
}

export function pairOf(one: number, other: number): string {
  return one < other ? `${one}/${other}` : `${other}/${one}`;
}
