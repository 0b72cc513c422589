import {
  type GateVerdict,
  HeldEvidence,
  isItsTurn,
  type JudgedReplica,
  judgeGate,
  judgeOutcome,
  judgeReplicas,
  nextStep,
  type ProbeResult,
  progressAfter,
  type RolloutFacts,
  type StagePlan,
  type StageResult,
  type WitnessProbe,
  watchedAnew,
} from "../../../src/policy/rollout/index.js";
import type { SeededRandom } from "../random.js";
import type { SimulatedBlock } from "./chain.js";
import { hasDied, type Instance, isWell, startInstance, type Truth } from "./instance.js";
import { lieAbout } from "./lies.js";
import type { Gossip } from "./network.js";
import { afterRestart, type HostedReplica, newReplica, releaseOf } from "./replicas.js";
import type { Lie, Scenario } from "./scenario.js";
import { SimulatedWitness } from "./witness.js";

/** Of a host's probes of its own replicas so many fail for nothing. */
const NOISE = 0.003;
const TICK_SECONDS = 2;
/** A host looks at a gate again when it holds something new, and so often: gates that wait for a time open with it. */
const RECHECK_SECONDS = 6;
/** Nobody asks a gate any more. */
const ENACTED: GateVerdict = { kind: "hold", reason: "it was enacted", about: [] };

/** What a host reaches and tells. */
export interface Surroundings {
  readonly publish: (host: SimulatedHost, item: Gossip) => void;
  readonly attest: (host: SimulatedHost, result: "done" | "failed") => boolean;
  readonly probe: (witness: SimulatedHost, host: string, replica: string) => WitnessProbe;
  /** Tells the checks that a healthy instance was stopped by the rollout. */
  readonly onTakeDown: (host: SimulatedHost, replica: string) => void;
  readonly onBegin: (host: SimulatedHost, wave: number) => void;
}

/** A host that runs the policy itself on what it sees, on virtual time. A liar runs it too, and says something else. */
export class SimulatedHost {
  readonly name: string;
  readonly index: number;
  readonly lie: Lie | undefined;
  readonly replicas = new Map<string, HostedReplica>();
  readonly truth: Truth;
  /** What was received, in order: what peers that ask get. Lost with the process. */
  log: Gossip[] = [];
  agentUp = true;
  machineUp = true;
  /** The last reason to hold of each replica. */
  readonly reasons = new Map<string, string>();
  readonly #plan: StagePlan;
  readonly #scenario: Scenario;
  readonly #random: SeededRandom;
  readonly #around: Surroundings;
  readonly #witness: SimulatedWitness;
  /** The waves that the plan has for replicas of this host. */
  readonly #waves = new Map<string, number[]>();
  #evidence: HeldEvidence;
  #version = 0;
  #judged: { key: string; replicas: readonly JudgedReplica[] } = { key: "", replicas: [] };
  #attested = false;
  #alone: RolloutFacts["enacted"] = null;

  constructor(
    index: number,
    parts: { plan: StagePlan; scenario: Scenario; random: SeededRandom; around: Surroundings; canStart: boolean },
  ) {
    this.index = index;
    this.name = nameOf(index);
    this.#plan = parts.plan;
    this.#scenario = parts.scenario;
    this.#random = parts.random;
    this.#around = parts.around;
    this.lie = parts.scenario.liars.get(index);
    this.truth = { quality: parts.scenario.quality, canStart: parts.canStart };
    this.#evidence = new HeldEvidence(parts.plan);
    for (const [number, { replicas }] of parts.plan.waves.entries()) {
      for (const { host, replica } of replicas)
        if (host === this.name) this.#waves.set(replica, [...(this.#waves.get(replica) ?? []), number]);
    }
    this.#witness = new SimulatedWitness(parts.plan, this.name, { lie: this.lie, quality: this.truth.quality });
  }

  get isLiar(): boolean {
    return this.lie !== undefined;
  }

  receive(item: Gossip): void {
    const isNew =
      item.kind === "report" ? this.#evidence.addReport(item.report) : this.#evidence.addStatement(item.statement);
    if (!isNew) return;
    this.#version++;
    this.log.push(item);
  }

  /** kill -9, or a power cut: only what was journaled and, of the agent alone, the replicas are left. */
  crash(what: "agent" | "machine", now: number): void {
    this.agentUp = false;
    this.log = [];
    this.#evidence = new HeldEvidence(this.#plan);
    this.#version++;
    this.#witness.crash();
    for (const hosted of this.replicas.values()) {
      // Killed between the journal's entry and the start that it announces.
      const wasStarting = (hosted.current?.startedAt ?? 0) >= now - 1;
      if (what === "machine" || wasStarting) hosted.current = undefined;
      if (what === "machine") hosted.beside = undefined;
    }
    if (what === "machine") this.machineUp = false;
  }

  restart(): void {
    this.machineUp = true;
    this.agentUp = true;
    for (const hosted of this.replicas.values()) {
      afterRestart(hosted);
      for (const [stage, result] of hosted.journal.reported)
        this.#say(hosted.replica, stage, result, hosted.journal.reportedAt.get(stage) ?? 0);
    }
  }

  /** One look at everything, by the newest block that it has. */
  tick(now: number, newest: SimulatedBlock): void {
    if (!this.agentUp || (now + this.index) % TICK_SECONDS !== 0) return;
    const block = this.#scenario.endsAloneAt !== undefined ? this.#byItself(newest) : newest;
    this.#seat(now, block);
    for (const hosted of this.replicas.values()) {
      this.#watch(hosted, now);
      this.#step(hosted, now, block);
    }
    this.#look(now, block);
    this.#attest(block);
  }

  /** The unsound rule: it takes for enacted what it concludes itself, and at the deadline goes back if it is not through. */
  #byItself(block: SimulatedBlock): SimulatedBlock {
    const { facts } = block;
    const { now } = facts;
    const concluded = judgeOutcome(this.#plan, this.#judge(block), facts).result;
    const isLate = now > this.#plan.issuedAt + (this.#scenario.endsAloneAt ?? 0);
    const result = concluded ?? (isLate ? "failed" : undefined);
    if (result !== undefined) this.#alone ??= { result, at: now };
    return this.#alone === null ? block : { ...block, facts: { ...facts, enacted: this.#alone } };
  }

  /** Starts what it has a seat for and stops what it has not. */
  #seat(now: number, { facts, placement }: SimulatedBlock): void {
    for (const [replica, seat] of placement.seats) {
      if (seat.host === this.name && !this.replicas.has(replica)) this.replicas.set(replica, newReplica(replica));
    }
    for (const [replica, hosted] of this.replicas) {
      if (placement.seats.get(replica)?.host !== this.name) {
        this.replicas.delete(replica);
        continue;
      }
      if (hosted.current !== undefined) continue;
      if (facts.enacted?.result === "done" && this.#isStartable("new")) this.#end(hosted, "new");
      hosted.current = this.#start(releaseOf(hosted.journal), now);
      hosted.graceUntil = now + this.#plan.timing.startSeconds;
    }
  }

  #watch(hosted: HostedReplica, now: number): void {
    const { current, journal } = hosted;
    if (current === undefined || (journal.phase !== "taking" && journal.phase !== "serving")) return;
    if (now < hosted.graceUntil) return;
    journal.progress = progressAfter(
      journal.progress,
      this.#probeOwn(current, now),
      TICK_SECONDS * 1_000,
      this.#plan.timing,
    );
    if (journal.progress.result !== "ready" || journal.phase !== "taking") return;
    journal.phase = "serving";
    if (this.#scenario.strategy.kind !== "blue-green") hosted.beside = undefined;
  }

  #probeOwn(instance: Instance, now: number): ProbeResult {
    if (hasDied(instance, now, this.truth)) return "died";
    return isWell(instance, now, this.truth, "host") && !this.#random.chance(NOISE) ? "healthy" : "unhealthy";
  }

  #step(hosted: HostedReplica, now: number, block: SimulatedBlock): void {
    const { facts } = block;
    const { journal, replica } = hosted;
    if (journal.phase === "ended") return;
    const wave = this.#nextWave(hosted, facts.excused);
    const stage = journal.begun === undefined ? undefined : this.#plan.waves[journal.begun]?.stage;
    if (this.lie !== undefined) {
      const { isAll, says, stage: of } = lieAbout(this.lie, journal, stage);
      for (const each of says) this.#report(hosted, of, each, facts.now);
      if (isAll) return;
    }
    const others = facts.enacted === null ? [] : othersOf(this.#plan, block);
    const step = nextStep({
      plan: this.#plan,
      own: {
        phase: journal.phase,
        wave,
        stage,
        progress: journal.begun === undefined ? undefined : journal.progress,
        isHealthy: hosted.current !== undefined && isWell(hosted.current, now, this.truth, "host"),
        hasOld: hosted.beside !== undefined,
      },
      facts,
      gate: facts.enacted === null ? this.#gate(wave ?? this.#plan.waves.length, block) : ENACTED,
      reported: stage === undefined ? undefined : journal.reported.get(stage),
      isTurn:
        facts.enacted !== null &&
        isItsTurn(this.#plan, replica, facts.enacted.at, {
          now: facts.now,
          clock: now + (this.#scenario.skews[this.index] ?? 0),
          others,
        }),
    });
    switch (step.kind) {
      case "hold":
        this.reasons.set(replica, step.reason);
        return;
      case "begin":
        this.#begin(hosted, wave ?? 0, now, facts.now);
        return;
      case "report":
        this.#report(hosted, stage ?? 0, step.result, facts.now);
        return;
      case "revert":
        hosted.current = hosted.beside ?? this.#start("old", now);
        hosted.beside = undefined;
        journal.phase = "reverted";
        return;
      case "end": {
        const release = step.result === "done" ? "new" : "old";
        if (!this.#isStartable(release)) {
          this.reasons.set(replica, "it cannot start the release: it tries again");
          return;
        }
        const isThere = hosted.current?.release === release;
        if (!isThere && hosted.beside === undefined && hosted.current !== undefined) {
          if (isWell(hosted.current, now, this.truth, "host")) this.#around.onTakeDown(this, replica);
        }
        if (!isThere) hosted.current = hosted.beside ?? this.#start(release, now);
        hosted.beside = undefined;
        this.#end(hosted, release);
      }
    }
  }

  #begin(hosted: HostedReplica, wave: number, now: number, at: number): void {
    const { action, replicas, stage } = this.#plan.waves[wave] ?? {};
    const { journal, replica } = hosted;
    journal.begun = wave;
    this.#around.onBegin(this, wave);
    if (action === "switch") {
      journal.progress = watchedAnew(journal.progress);
      return;
    }
    if (!this.#isStartable("new")) {
      journal.phase = "reverted";
      this.#report(hosted, stage ?? 0, "unable", at);
      return;
    }
    journal.phase = "taking";
    const isSurge = replicas?.find((each) => each.replica === replica)?.surge ?? false;
    if (isSurge) hosted.beside = hosted.current;
    else if (hosted.current !== undefined && isWell(hosted.current, now, this.truth, "host"))
      this.#around.onTakeDown(this, replica);
    hosted.current = this.#start("new", now);
  }

  #report(hosted: HostedReplica, stage: number, result: StageResult, at: number): void {
    hosted.journal.reported.set(stage, result);
    hosted.journal.reportedAt.set(stage, at);
    this.#say(hosted.replica, stage, result, at);
  }

  #say(replica: string, stage: number, result: StageResult, at: number): void {
    const { directive } = this.#plan;
    const report = {
      schema: "witan/stage-report/1",
      directive,
      stage,
      replica,
      host: this.name,
      result,
      at,
      note: "",
    } as const;
    this.#tell({ kind: "report", report });
  }

  #tell(item: Gossip): void {
    this.receive(item);
    this.#around.publish(this, item);
  }

  #look(now: number, { facts }: SimulatedBlock): void {
    if (facts.enacted !== null) return;
    const clock = now + (this.#scenario.skews[this.index] ?? 0);
    const [said, other] = this.#witness.tick(clock, ({ host, replica }) => this.#around.probe(this, host, replica));
    if (said !== undefined) this.#tell({ kind: "statement", statement: said });
    if (other !== undefined) this.#around.publish(this, { kind: "statement", statement: other });
  }

  #attest(block: SimulatedBlock): void {
    if (this.#attested || block.facts.enacted !== null) return;
    const isGood = this.truth.quality === "good" || this.truth.quality === "slow-start";
    const honest = judgeOutcome(this.#plan, this.#judge(block), block.facts).result;
    const result = this.isLiar ? (isGood ? "failed" : "done") : honest;
    if (result !== undefined && this.#around.attest(this, result)) this.#attested = true;
  }

  #gate(gate: number, block: SimulatedBlock): GateVerdict {
    return judgeGate(this.#plan, gate, this.#judge(block), block.facts);
  }

  #judge({ facts }: SimulatedBlock): readonly JudgedReplica[] {
    const key = `${this.#version}/${Math.floor(facts.now / RECHECK_SECONDS)}/${facts.excused.size}`;
    if (this.#judged.key !== key) this.#judged = { key, replicas: judgeReplicas(this.#plan, this.#evidence, facts) };
    return this.#judged.replicas;
  }

  /** The wave that is next for a replica that was planned for this host, unless it was suspended since. */
  #nextWave({ journal, replica }: HostedReplica, excused: ReadonlySet<string>): number | undefined {
    if (excused.has(this.name)) return undefined;
    return this.#waves.get(replica)?.find((number) => number > (journal.begun ?? -1));
  }

  #end({ journal }: HostedReplica, release: Instance["release"]): void {
    journal.phase = "ended";
    journal.endedOn = release;
  }

  #isStartable(release: Instance["release"]): boolean {
    return release === "old" || this.truth.canStart;
  }

  #start(release: Instance["release"], now: number): Instance {
    return startInstance(release, now, this.truth, this.#random, this.#plan);
  }
}

export function nameOf(index: number): string {
  return `host${String(index).padStart(2, "0")}`;
}

/** Replicas that the plan does not name, as placed at the block that enacted it. */
function othersOf(plan: StagePlan, { enactedPlacement }: SimulatedBlock): string[] {
  const planned = new Set(plan.waves.flatMap(({ replicas }) => replicas.map(({ replica }) => replica)));
  return [...(enactedPlacement?.seats.keys() ?? [])].filter((replica) => !planned.has(replica)).sort();
}
