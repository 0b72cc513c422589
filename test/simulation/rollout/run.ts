import type { HostEntry, PlacedWorkload } from "../../../src/policy/placement/index.js";
import { NO_PLACEMENT, place } from "../../../src/policy/placement/index.js";
import { planStages, type StagePlan, type WitnessProbe } from "../../../src/policy/rollout/index.js";
import { contentIdOf } from "../../../src/records/index.js";
import type { SeededRandom } from "../random.js";
import { BLOCK_SECONDS, SimulatedChain } from "./chain.js";
import { RolloutChecks } from "./checks.js";
import { nameOf, SimulatedHost, type Surroundings } from "./host.js";
import { isWell } from "./instance.js";
import { SimulatedNetwork } from "./network.js";
import type { Scenario } from "./scenario.js";

const ISSUED_AT = 1_000;
const SILENT_SECONDS = 60;
const RETURN_SECONDS = 20;
const PULL_SECONDS = 10;
const SLOTS = 3;
/** After the end, for views to catch up, beside the turns of all replicas. */
const SETTLE_SECONDS = 90;

export interface RunReport {
  readonly scenario: Scenario;
  readonly plan: StagePlan | undefined;
  /** `refused`: it could not be planned. `held`: nothing was enacted before the deadline. */
  readonly end: "done" | "failed" | "held" | "refused";
  /** Seconds from the issue to what was enacted. */
  readonly seconds: number | undefined;
  readonly violations: readonly string[];
  /** Why hosts held at the deadline. */
  readonly reasons: readonly string[];
  readonly mostDown: number;
}

/** Runs one rollout from its issue until all is settled. */
export function runRollout(scenario: Scenario, random: SeededRandom): RunReport {
  const refused = { scenario, plan: undefined, seconds: undefined, violations: [], mostDown: 0 } as const;
  const workload: PlacedWorkload = {
    name: "web",
    since: [1, 0],
    replicas: scenario.replicas,
    selector: {},
    exclusive: false,
  };
  const hosts = Array.from({ length: scenario.hosts }, (_, i) => entryOf(i));
  const placement = place({ blockTime: ISSUED_AT, workloads: [workload], hosts }, NO_PLACEMENT);
  const { fault, plan } = planStages({
    directive: hashOf("directive", scenario.seed),
    workload: "web",
    from: hashOf("old", 0),
    to: hashOf("new", 0),
    issue: { hash: hashOf("block", scenario.seed), time: ISSUED_AT },
    deadline: ISSUED_AT + scenario.windowSeconds,
    seats: [...placement.seats.values()],
    present: hosts.map(({ name }) => name),
    strategy: scenario.strategy,
    timing: scenario.timing,
    failureLimit: scenario.failureLimit,
    irreversible: scenario.irreversible,
    exclusive: false,
  });
  if (plan === undefined) return { ...refused, end: "refused", reasons: [fault] };
  return new Run(scenario, plan, random, { workload, hosts }).run();
}

class Run {
  readonly #scenario: Scenario;
  readonly #plan: StagePlan;
  readonly #random: SeededRandom;
  readonly #network: SimulatedNetwork;
  readonly #chain: SimulatedChain;
  readonly #checks: RolloutChecks;
  readonly #hosts: SimulatedHost[] = [];
  readonly #byName = new Map<string, SimulatedHost>();
  readonly #seen: number[] = [];
  readonly #silentSince: (number | undefined)[] = [];
  readonly #backSince: (number | undefined)[] = [];
  /** How much of each peer's log a host has pulled. */
  readonly #pulled = new Map<string, number>();
  #now = ISSUED_AT;
  #healed = false;

  constructor(
    scenario: Scenario,
    plan: StagePlan,
    random: SeededRandom,
    { hosts, workload }: { readonly workload: PlacedWorkload; readonly hosts: readonly HostEntry[] },
  ) {
    this.#scenario = scenario;
    this.#plan = plan;
    this.#random = random;
    this.#network = new SimulatedNetwork(scenario, random);
    this.#chain = new SimulatedChain(workload, hosts, plan.deadline);
    this.#checks = new RolloutChecks(scenario, plan);
    for (const { name } of hosts) this.#add(name);
  }

  run(): RunReport {
    const { deadline, maxUnavailable, timing, waves } = this.#plan;
    const count =
      waves[0] === undefined ? 0 : new Set(waves.flatMap((wave) => wave.replicas.map((each) => each.replica))).size;
    const turn = timing.startSeconds + timing.minReadySeconds + 2 * timing.probeSeconds + 2 * timing.lagSeconds;
    const turns = Math.ceil(count / Math.max(1, maxUnavailable)) + this.#hosts.length + 1;
    const { endsAloneAt } = this.#scenario;
    let end = endsAloneAt === undefined ? deadline : Math.min(deadline, ISSUED_AT + endsAloneAt + SETTLE_SECONDS);
    for (; this.#now <= end; this.#now++) {
      this.#second();
      const { enacted } = this.#chain;
      if (this.#healed && enacted !== null && this.#isSettled()) break;
      const isOver = enacted !== null || this.#now === deadline;
      if (!isOver || this.#healed) continue;
      // Faults go on for a while after the outcome.
      const healAt = (enacted?.at ?? deadline) + SETTLE_SECONDS / 2;
      if (this.#now < healAt && this.#now < deadline) continue;
      this.#heal();
      end = this.#now + SETTLE_SECONDS + (enacted === null ? 0 : 2 * turns * turn);
    }
    return this.#report();
  }

  /** Whether nothing is left to do for honest hosts. */
  #isSettled(): boolean {
    const honest = this.#hosts.filter((host) => !host.isLiar);
    const newest = this.#chain.blocks.length - 1;
    return honest.every(
      (host) =>
        this.#seen[host.index] === newest &&
        [...host.replicas.values()].every(({ current, journal }) => journal.phase === "ended" && current !== undefined),
    );
  }

  #second(): void {
    const now = this.#now;
    this.#outages();
    for (const { item, to } of this.#network.arriving(now))
      if (this.#hosts[to]?.agentUp) this.#hosts[to]?.receive(item);
    const { control, joinsAt } = this.#scenario;
    if (control !== undefined && now === ISSUED_AT + control.at) this.#chain.order(control.action);
    if (joinsAt !== undefined && now === ISSUED_AT + joinsAt) {
      this.#chain.join(entryOf(this.#scenario.hosts));
      this.#add(nameOf(this.#scenario.hosts));
    }
    if (now % BLOCK_SECONDS === 0 || now === ISSUED_AT) this.#chain.produce(now);
    for (const host of this.#hosts) {
      const block = this.#chain.blocks[this.#newestSeen(host.index)];
      if (block !== undefined) host.tick(now, block);
      if ((now + 3 * host.index) % PULL_SECONDS === 0) this.#pull(host);
    }
    if (now % 5 === 0 && !this.#healed) this.#presence();
    this.#checks.look(this.#hosts, now);
  }

  #add(name: string): void {
    const index = this.#hosts.length;
    const around: Surroundings = {
      publish: (from, item) => {
        for (const { index: to } of this.#hosts)
          if (to !== from.index) this.#network.send(from.index, to, item, this.#now);
      },
      attest: (from, result) => {
        if (!this.#hasChain(from.index)) return false;
        this.#chain.attest(from.name, result);
        return true;
      },
      probe: (witness, host, replica) => this.#probe(witness, host, replica),
      onTakeDown: (host, replica) => this.#checks.onTakeDown(host, replica),
      onBegin: (host, wave) =>
        this.#checks.onBegin(host, wave, this.#chain.blocks[this.#newestSeen(host.index)]?.facts),
    };
    const { quality } = this.#scenario;
    const canStart = quality !== "unable" && (quality !== "half-unable" || this.#random.chance(0.5));
    const parts = { plan: this.#plan, scenario: this.#scenario, random: this.#random, around, canStart };
    const host = new SimulatedHost(index, parts);
    this.#hosts.push(host);
    this.#byName.set(name, host);
    this.#seen.push(0);
    this.#silentSince.push(undefined);
    this.#backSince.push(undefined);
  }

  #outages(): void {
    if (this.#healed) return;
    const at = this.#now - ISSUED_AT;
    for (const { from, host: index, to, what } of this.#scenario.outages) {
      const host = this.#hosts[index];
      if (what === "chain" || host === undefined) continue;
      if (at === from) host.crash(what, this.#now);
      if (at === to) this.#restart(host);
    }
  }

  #restart(host: SimulatedHost): void {
    for (const { index } of this.#hosts) this.#pulled.delete(`${host.index}/${index}`);
    for (const { index } of this.#hosts) this.#pulled.delete(`${index}/${host.index}`);
    host.restart();
  }

  #hasChain(index: number): boolean {
    const at = this.#now - ISSUED_AT;
    return (
      this.#healed ||
      !this.#scenario.outages.some(
        (each) => each.what === "chain" && each.host === index && at >= each.from && at < each.to,
      )
    );
  }

  /** Confirmed blocks, as late as the host's RPC is. */
  #newestSeen(index: number): number {
    let seen = this.#seen[index] ?? 0;
    const lag = this.#healed ? 0 : (this.#scenario.lags[index] ?? 0);
    const { blocks } = this.#chain;
    if (this.#hasChain(index)) {
      while (seen + 1 < blocks.length && (blocks[seen + 1]?.facts.now ?? 0) <= this.#now - lag) seen++;
      this.#seen[index] = seen;
    }
    return seen;
  }

  /** Asks one peer for what this host has not: what was lost comes in the end. */
  #pull(host: SimulatedHost): void {
    const peer = this.#random.pick(this.#hosts);
    if (peer === host || !host.agentUp || !peer.agentUp) return;
    if (!this.#network.reaches(host.index, peer.index, this.#now)) return;
    const key = `${host.index}/${peer.index}`;
    const log = peer.log;
    for (let i = this.#pulled.get(key) ?? 0; i < log.length; i++) {
      const item = log[i];
      if (item !== undefined) host.receive(item);
    }
    this.#pulled.set(key, log.length);
  }

  #probe(witness: SimulatedHost, name: string, replica: string): WitnessProbe {
    const host = this.#byName.get(name);
    const unreached = { release: null, result: "unreached" } as const;
    if (host === undefined || !host.machineUp || !this.#network.reaches(witness.index, host.index, this.#now))
      return unreached;
    const hosted = host.replicas.get(replica);
    const { current, beside } = hosted ?? {};
    const releaseOf = { old: this.#plan.from, new: this.#plan.to };
    if (current !== undefined && isWell(current, this.#now, host.truth, "others"))
      return { release: releaseOf[current.release], result: "healthy" };
    const isStarting = current !== undefined && this.#now < current.startedAt + this.#plan.timing.startSeconds;
    if (beside !== undefined && isStarting) return { release: this.#plan.from, result: "healthy" };
    return host.agentUp ? { release: null, result: "sick" } : unreached;
  }

  /** Hosts that most others have not reached for a minute are suspended by vote; they return by their own word. */
  #presence(): void {
    for (const host of this.#hosts) {
      const others = this.#hosts.filter((each) => each !== host);
      const reaching = others.filter((each) => each.agentUp && !this.#network.isCut(each.index, host.index, this.#now));
      const isSilent = !host.agentUp || 2 * reaching.length < others.length;
      const { index, name } = host;
      this.#silentSince[index] = isSilent ? (this.#silentSince[index] ?? this.#now) : undefined;
      this.#backSince[index] = isSilent ? undefined : (this.#backSince[index] ?? this.#now);
      const silent = this.#now - (this.#silentSince[index] ?? this.#now);
      const back = this.#now - (this.#backSince[index] ?? this.#now);
      if (silent >= SILENT_SECONDS && !this.#chain.isSuspended(name)) this.#chain.suspend(name);
      if (back >= RETURN_SECONDS && this.#chain.isSuspended(name)) this.#chain.return(name);
    }
  }

  #heal(): void {
    this.#healed = true;
    this.#network.heal();
    for (const host of this.#hosts) if (!host.agentUp) this.#restart(host);
  }

  #report(): RunReport {
    const { enacted } = this.#chain;
    this.#checks.end(this.#hosts, enacted?.result, this.#now, this.#chain);
    const honest = this.#hosts.filter((host) => !host.isLiar);
    return {
      scenario: this.#scenario,
      plan: this.#plan,
      end: enacted?.result ?? "held",
      seconds: enacted === null ? undefined : enacted.at - ISSUED_AT,
      violations: this.#checks.violations,
      reasons: [
        ...new Set(
          honest.flatMap((host) => [...host.reasons].map(([replica, reason]) => `${host.name} ${replica}: ${reason}`)),
        ),
      ],
      mostDown: this.#checks.mostDown,
    };
  }
}

function entryOf(index: number): HostEntry {
  return { name: nameOf(index), labels: {}, draining: false, slots: SLOTS, present: true };
}

function hashOf(label: string, seed: number) {
  return contentIdOf(new TextEncoder().encode(`${label} ${seed}`));
}
