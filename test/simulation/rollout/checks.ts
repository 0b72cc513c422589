import type { RolloutFacts, StagePlan } from "../../../src/policy/rollout/index.js";
import type { SimulatedChain } from "./chain.js";
import type { SimulatedHost } from "./host.js";
import { nameOf } from "./host.js";
import { isWell } from "./instance.js";
import { BAD, type Scenario } from "./scenario.js";

/** What must hold in every rollout. A violation is one sentence; liars are held to nothing. */
export class RolloutChecks {
  readonly violations: string[] = [];
  mostDown = 0;
  readonly #scenario: Scenario;
  readonly #plan: StagePlan;
  readonly #liars: ReadonlySet<string>;
  readonly #down = new Map<string, SimulatedHost>();

  constructor(scenario: Scenario, plan: StagePlan) {
    this.#scenario = scenario;
    this.#plan = plan;
    this.#liars = new Set([...scenario.liars.keys()].map(nameOf));
  }

  /** The rollout stopped an instance that was healthy. */
  onTakeDown(host: SimulatedHost, replica: string): void {
    if (!host.isLiar) this.#down.set(replica, host);
  }

  /** An honest host begins a wave: with a release that is bad everywhere the gate was open for one reason, that liars had captured it. */
  onBegin(host: SimulatedHost, wave: number, facts: RolloutFacts | undefined): void {
    if (host.isLiar || wave === 0 || facts === undefined || !this.#isBad()) return;
    const before = this.#plan.waves.slice(0, wave);
    // It is sound for as long as a stage that is not watched takes.
    if (this.#scenario.quality === "degrades" && before.at(-1)?.soakSeconds === 0) return;
    if (this.#canPass(before, facts.excused)) return;
    this.violations.push(`${host.name} began wave ${wave} with a release that is ${this.#scenario.quality}`);
  }

  look(hosts: readonly SimulatedHost[], now: number): void {
    for (const [replica, host] of this.#down) {
      const hosted = host.replicas.get(replica);
      const current = hosted?.current;
      const isBack = current !== undefined && isWell(current, now, host.truth, "host");
      // Whose machine died, or whose replica was moved, is not down by the rollout.
      if (hosted === undefined || isBack || !host.agentUp) this.#down.delete(replica);
    }
    this.mostDown = Math.max(this.mostDown, this.#down.size);
    const most = Math.max(1, this.#plan.maxUnavailable);
    if (this.#down.size <= most || hosts.length === 0) return;
    this.violations.push(`${this.#down.size} replicas are down by the rollout at once, and ${most} may`);
    this.#down.clear();
  }

  end(
    hosts: readonly SimulatedHost[],
    result: "done" | "failed" | undefined,
    now: number,
    chain: SimulatedChain,
  ): void {
    if (result !== undefined) this.#isAlike(hosts, result, now);
    else if (this.#scenario.endsAloneAt !== undefined) this.#isOfOneMind(hosts);
    else this.#isExplained(hosts);
    const isAborted = this.#scenario.control?.action === "abort";
    if (result === "done" && this.#isBad() && !this.#canEnd(chain))
      this.violations.push("a bad release was enacted done");
    if (result === "failed" && this.#isGood() && !isAborted && !this.#canFail(chain))
      this.violations.push("a good release was turned back");
  }

  #isExplained(hosts: readonly SimulatedHost[]): void {
    for (const host of hosts) {
      for (const replica of host.replicas.keys())
        if (!host.isLiar && !host.reasons.get(replica))
          this.violations.push(`${host.name} holds ${replica} without a reason`);
    }
  }

  #isOfOneMind(hosts: readonly SimulatedHost[]): void {
    const ended = hosts.filter((host) => !host.isLiar).flatMap((host) => [...host.replicas.values()]);
    const releases = new Set(ended.flatMap(({ journal }) => journal.endedOn ?? []));
    if (releases.size > 1) this.violations.push("hosts ended on different releases, each by itself");
  }

  #isAlike(hosts: readonly SimulatedHost[], result: "done" | "failed", now: number): void {
    if (result === "failed" && this.#plan.irreversible) return;
    for (const host of hosts) {
      if (host.isLiar || (result === "done" && this.#scenario.quality === "half-unable" && !host.truth.canStart))
        continue;
      for (const { current, replica } of host.replicas.values()) {
        if (current === undefined || !isWell(current, now, host.truth, "host")) continue;
        if ((current.release === "new") === (result === "done")) continue;
        this.violations.push(
          `${result} was enacted, and ${host.name} runs ${replica} on the ${current.release} release`,
        );
      }
    }
  }

  #isBad(): boolean {
    return BAD.includes(this.#scenario.quality);
  }

  #isGood(): boolean {
    return this.#scenario.quality === "good" || this.#scenario.quality === "slow-start";
  }

  /** Whether so many replicas of these waves have a lying host, lying witnesses or both that the rules let a bad release through. */
  #canPass(waves: StagePlan["waves"], excused: ReadonlySet<string>): boolean {
    const { flaky, outages, partitions } = this.#scenario;
    const isCalm = flaky.size + outages.length + partitions.length === 0;
    let open = 0;
    const replicas = waves.flatMap((wave) => wave.replicas);
    for (const { host, witnesses } of replicas) {
      const counted = witnesses.filter((witness) => !excused.has(witness));
      const lying = counted.filter((witness) => this.#liars.has(witness)).length;
      const hostLies = this.#liars.has(host) || this.#scenario.quality === "seen-by-others";
      // Witnesses that cannot reach the host leave the word to the others, down to a third.
      const othersLie = (isCalm ? 2 : 3) * lying >= counted.length || this.#scenario.quality === "seen-by-host";
      if (!(hostLies && othersLie) && !excused.has(host)) open++;
    }
    return open <= this.#plan.failureLimit;
  }

  /** Whether liars are half of those whose attestations count, so that they end a rollout as they like. */
  #areMost(chain: SimulatedChain): boolean {
    const present = [...Array(this.#scenario.hosts).keys()].map(nameOf).filter((name) => !chain.isSuspended(name));
    return 2 * present.filter((name) => this.#liars.has(name)).length >= present.length;
  }

  #canEnd(chain: SimulatedChain): boolean {
    return this.#areMost(chain) || this.#canPass(this.#plan.waves, new Set());
  }

  /** Whether more hosts lie about themselves than may fail alone, or witnesses who lie can accuse enough replicas. */
  #canFail(chain: SimulatedChain): boolean {
    const planned = this.#plan.waves.flatMap((wave) => wave.replicas);
    const admitting = new Set(
      planned
        .map(({ host }) => host)
        .filter((host) => {
          const lie = this.#scenario.liars.get(Number(host.slice("host".length)));
          return lie === "alarms" || lie === "equivocates";
        }),
    );
    if (admitting.size > this.#plan.failureLimit) return true;
    const accused = planned.filter(({ witnesses }) => {
      const lying = witnesses.filter((witness) => this.#liars.has(witness)).length;
      return lying >= 2 && 3 * lying > 2 * witnesses.length;
    });
    return accused.length > this.#plan.failureLimit || this.#areMost(chain);
  }
}
