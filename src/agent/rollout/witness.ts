import {
  type StagePlan,
  sightingOf,
  targetsOf,
  type WitnessProbe,
  type WitnessSighting,
  type WitnessStatement,
  whenToState,
} from "../../policy/rollout/index.js";
import type { Hex } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { RolloutJournal } from "./journal.js";
import type { PlannedRollout } from "./openRollouts.js";
import { MAX_SIGHTINGS } from "./statements/message.js";

/** Asks a host about one replica over the network, at one of its addresses. Does not throw: what cannot be reached is `unreached`. */
export type ProbeReplica = (target: {
  readonly addresses: readonly string[];
  readonly replica: string;
  /** The release that is looked for; where no instance of it runs, the one that serves is asked. */
  readonly release: Hex;
  readonly signal?: AbortSignal | undefined;
}) => Promise<WitnessProbe>;

export interface WitnessDependencies {
  readonly journal: Pick<RolloutJournal, "memory" | "recordMemory">;
  readonly probe: ProbeReplica;
  readonly addresses: (host: string) => readonly string[];
  readonly say: (statement: WitnessStatement) => Promise<void>;
  readonly clock: Pick<Clock, "monotonic" | "now">;
}

/** What was seen in the present interval of one rollout, and last of each target. Lost with the process. */
interface Watch {
  interval: number;
  probedAt: number;
  probes: Map<string, WitnessProbe[]>;
  readonly last: Map<string, WitnessSighting>;
}

/** The witness in a host: it probes the replicas that it was drawn for, and says at most once an interval what it saw. */
export class Witness {
  readonly #dependencies: WitnessDependencies;
  readonly #watches = new Map<Hex, Watch>();

  constructor(dependencies: WitnessDependencies) {
    this.#dependencies = dependencies;
  }

  /** Probes what is to be probed now. @throws {@link DiskError} */
  async tick(host: string, rollouts: readonly PlannedRollout[], signal?: AbortSignal): Promise<void> {
    const open = rollouts.filter(({ facts, plan }) => facts.enacted === null && facts.now <= plan.deadline);
    const directives = new Set(open.map(({ plan }) => plan.directive));
    for (const directive of this.#watches.keys()) if (!directives.has(directive)) this.#watches.delete(directive);
    await Promise.all(open.map(({ plan }) => this.#watch(plan, host, signal)));
  }

  async #watch(plan: StagePlan, host: string, signal: AbortSignal | undefined): Promise<void> {
    const { addresses, clock, probe } = this.#dependencies;
    const targets = targetsOf(plan, host).slice(0, MAX_SIGHTINGS);
    if (targets.length === 0) return;
    const watch = this.#watchOf(plan.directive);
    const interval = Math.floor((clock.now() / 1_000 - plan.issuedAt) / plan.timing.intervalSeconds);
    if (interval !== watch.interval) {
      const before = watch.interval;
      const { probes } = watch;
      watch.interval = interval;
      watch.probes = new Map();
      // In the order of the plan: what is said twice is told by its text.
      const ended = targets.flatMap(({ replica }): [string, WitnessProbe[]][] => {
        const all = probes.get(replica);
        return all === undefined ? [] : [[replica, all]];
      });
      await this.#state(plan, host, before, watch.last, new Map(ended));
    }
    if (clock.monotonic() - watch.probedAt < plan.timing.probeSeconds * 1_000) return;
    watch.probedAt = clock.monotonic();
    const seen = watch.probes;
    await Promise.all(
      targets.map(async (target) => {
        const { host: on, replica } = target;
        const found = await probe({ addresses: addresses(on), replica, release: plan.to, signal });
        seen.set(target.replica, [...(seen.get(target.replica) ?? []), found]);
      }),
    );
  }

  async #state(
    plan: StagePlan,
    host: string,
    interval: number,
    last: Map<string, WitnessSighting>,
    probes: ReadonlyMap<string, readonly WitnessProbe[]>,
  ): Promise<void> {
    const { journal, say } = this.#dependencies;
    if (interval < 0 || probes.size === 0) return;
    const { directive } = plan;
    const seen = [...probes].map(([replica, all]) => sightingOf(replica, interval, all, last.get(replica)));
    for (const sighting of seen) last.set(sighting.replica, sighting);
    const { memory, speaks } = whenToState(journal.memory(directive), interval, seen, plan);
    await journal.recordMemory(directive, memory);
    if (!speaks) return;
    await say({ schema: "witan/witness-statement/1", directive, witness: host, interval, seen });
  }

  #watchOf(directive: Hex): Watch {
    const known = this.#watches.get(directive);
    if (known !== undefined) return known;
    const watch = { interval: -1, probedAt: Number.NEGATIVE_INFINITY, probes: new Map(), last: new Map() };
    this.#watches.set(directive, watch);
    return watch;
  }
}
