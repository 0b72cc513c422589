import {
  type HostEntry,
  NO_PLACEMENT,
  type PlacedWorkload,
  type Placement,
  place,
} from "../../../src/policy/placement/index.js";
import type { RolloutFacts } from "../../../src/policy/rollout/index.js";

/** What stands on chain at one block of the simulated chain. */
export interface SimulatedBlock {
  readonly facts: RolloutFacts;
  readonly placement: Placement;
  readonly hosts: readonly HostEntry[];
  /** The placement at the block that enacted the directive. */
  readonly enactedPlacement: Placement | undefined;
}

export const BLOCK_SECONDS = 3;

/** A chain with one directive: seats, suspensions, attestations. Every node attests once; the first result to have enough stands. */
export class SimulatedChain {
  readonly blocks: SimulatedBlock[] = [];
  readonly #workload: PlacedWorkload;
  readonly #committee: readonly string[];
  readonly #deadline: number;
  readonly #attested = new Map<string, "done" | "failed">();
  readonly #suspended = new Set<string>();
  #excused: ReadonlySet<string> = new Set();
  #hosts: HostEntry[];
  #control: RolloutFacts["control"] = null;
  #enacted: RolloutFacts["enacted"] = null;
  #enactedPlacement: Placement | undefined;

  constructor(workload: PlacedWorkload, hosts: readonly HostEntry[], deadline: number) {
    this.#workload = workload;
    this.#hosts = [...hosts];
    this.#committee = hosts.map(({ name }) => name);
    this.#deadline = deadline;
  }

  get enacted(): RolloutFacts["enacted"] {
    return this.#enacted;
  }

  /** Seats that attested, for checks. */
  get attested(): ReadonlyMap<string, "done" | "failed"> {
    return this.#attested;
  }

  attest(host: string, result: "done" | "failed"): void {
    if (this.#committee.includes(host) && !this.#attested.has(host)) this.#attested.set(host, result);
  }

  order(action: "pause" | "abort"): void {
    this.#control = { action };
  }

  join(host: HostEntry): void {
    this.#hosts.push(host);
  }

  suspend(host: string): void {
    this.#suspended.add(host);
    this.#excused = new Set(this.#excused).add(host);
  }

  return(host: string): void {
    this.#suspended.delete(host);
  }

  isSuspended(host: string): boolean {
    return this.#suspended.has(host);
  }

  produce(now: number): void {
    const before = this.blocks.at(-1);
    const hosts = this.#hosts.map((host) => ({ ...host, present: !this.#suspended.has(host.name) }));
    const isSame =
      before !== undefined &&
      before.hosts.length === hosts.length &&
      before.hosts.every((host, i) => host.present === hosts[i]?.present);
    const view = { blockTime: now, workloads: [this.#workload], hosts };
    const placement = isSame ? before.placement : place(view, before?.placement ?? NO_PLACEMENT);
    if (this.#enacted === null && now <= this.#deadline) this.#count(now, placement);
    this.blocks.push({
      facts: { now, excused: this.#excused, enacted: this.#enacted, control: this.#control },
      placement,
      hosts,
      enactedPlacement: this.#enactedPlacement,
    });
  }

  #count(now: number, placement: Placement): void {
    const present = this.#committee.filter((host) => !this.#suspended.has(host));
    const needed = Math.floor(present.length / 2) + 1;
    for (const result of ["done", "failed"] as const) {
      if (present.filter((host) => this.#attested.get(host) === result).length < needed) continue;
      this.#enacted = { result, at: now };
      this.#enactedPlacement = placement;
      return;
    }
  }
}
