import {
  NEW_WITNESS,
  type StagePlan,
  sightingOf,
  targetsOf,
  type WitnessProbe,
  type WitnessSighting,
  type WitnessStatement,
  whenToState,
} from "../../../src/policy/rollout/index.js";
import type { Lie, Quality } from "./scenario.js";

export interface WitnessTarget {
  readonly replica: string;
  readonly host: string;
}

/** The witness in a host: it probes what it was drawn for, and says what it saw. A liar says the opposite of what the release is. */
export class SimulatedWitness {
  readonly #plan: StagePlan;
  readonly #name: string;
  readonly #lie: Lie | undefined;
  readonly #isGood: boolean;
  readonly #targets: readonly WitnessTarget[];
  /** Journaled. */
  #memory = NEW_WITNESS;
  /** The probes of the present interval, and what was seen last of each target. Lost with the process. */
  #interval = -1;
  #probes = new Map<string, WitnessProbe[]>();
  #last = new Map<string, WitnessSighting>();

  constructor(plan: StagePlan, name: string, { lie, quality }: { lie: Lie | undefined; quality: Quality }) {
    this.#plan = plan;
    this.#name = name;
    this.#lie = lie;
    this.#isGood = quality === "good" || quality === "slow-start";
    this.#targets = targetsOf(plan, name);
  }

  crash(): void {
    this.#interval = -1;
    this.#probes = new Map();
    this.#last = new Map();
  }

  /** Probes all targets, and says what it saw in the interval that has ended, if one has. Two things, if it equivocates. */
  tick(clock: number, probe: (target: WitnessTarget) => WitnessProbe): WitnessStatement[] {
    const { issuedAt, timing } = this.#plan;
    const interval = Math.floor((clock - issuedAt) / timing.intervalSeconds);
    const said = interval === this.#interval ? [] : this.#state();
    this.#interval = interval;
    for (const target of this.#targets) {
      const known = this.#probes.get(target.replica);
      if (known === undefined) this.#probes.set(target.replica, [probe(target)]);
      else known.push(probe(target));
    }
    return said;
  }

  #state(): WitnessStatement[] {
    const interval = this.#interval;
    const seen = this.#targets.map(({ replica }) => {
      const probes = (this.#probes.get(replica) ?? []).map((each) => this.#twist(each));
      const sighting = sightingOf(replica, interval, probes, this.#last.get(replica));
      this.#last.set(replica, sighting);
      return sighting;
    });
    this.#probes = new Map();
    const { memory, speaks } = whenToState(this.#memory, interval, seen, this.#plan);
    this.#memory = memory;
    if (!speaks || seen.length === 0) return [];
    const { directive } = this.#plan;
    const statement = { schema: "witan/witness-statement/1", directive, witness: this.#name, interval, seen } as const;
    return this.#lie === "equivocates" ? [statement, { ...statement, seen: seen.map(opposite) }] : [statement];
  }

  #twist(probe: WitnessProbe): WitnessProbe {
    if (this.#lie === undefined || this.#lie === "equivocates") return probe;
    if (!this.#isGood) return { release: this.#plan.to, result: "healthy" };
    return probe.release === this.#plan.to ? { release: null, result: "sick" } : probe;
  }
}

function opposite(sighting: WitnessSighting): WitnessSighting {
  return { ...sighting, verdict: sighting.verdict === "sick" ? "healthy" : "sick" };
}
