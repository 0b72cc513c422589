import { FleetError } from "../../../engines/fleet/errors.js";
import type { HostDriver, HostedInstance } from "../../../engines/fleet/host/types.js";
import { type ExclusiveTiming, mayRun, mayStart, type ReplicaSeat } from "../../../policy/placement/index.js";
import {
  type GateVerdict,
  type HostStep,
  isItsTurn,
  nextStep,
  type StageReport,
  type StageResult,
  watchedAnew,
} from "../../../policy/rollout/index.js";
import type { HealthProbe } from "../../../records/index.js";
import { MAX_TEXT_LENGTH } from "../../../records/schemas/bounds.js";
import type { Clock } from "../../../utils/clock.js";
import { fittedText } from "../../../utils/text/decode.js";
import type { JournaledReplica, RolloutJournal } from "../journal.js";
import type { MayRestart } from "../restartBudget.js";
import { type Course, ownWaves } from "./course.js";
import { reconcile, stopAll } from "./reconcile.js";
import { ReplicaWatch } from "./replicaWatch.js";
import { type OwnInstances, ownInstances, wantedOf } from "./wanted.js";

export interface HostedReplicaDependencies {
  readonly driver: HostDriver;
  readonly journal: RolloutJournal;
  readonly mayRestart: MayRestart;
  readonly clock: Pick<Clock, "monotonic" | "now">;
  readonly exclusiveTiming: ExclusiveTiming;
  /** Signs and sends a report that is journaled. */
  readonly say: (report: StageReport) => Promise<void>;
}

/** What one look at a replica goes by. */
export interface ReplicaSituation {
  readonly host: string;
  readonly seat: ReplicaSeat;
  readonly probe: HealthProbe;
  readonly isExclusive: boolean;
  /** The time of the newest confirmed block, in seconds. */
  readonly blockTime: number;
  readonly course: Course;
  readonly instances: readonly HostedInstance[];
  /** The verdict of the gate before a wave. */
  readonly gate: (wave: number) => GateVerdict;
  readonly others: readonly string[];
  /** Whether to restart what died and nothing else: what stands on chain now is not known. */
  readonly isBlind: boolean;
  readonly signal: AbortSignal;
}

/** Nobody asks a gate any more. */
const ENACTED: GateVerdict = { kind: "hold", reason: "it was enacted", about: [] };

/** One replica that this host has the seat of: each look takes it at most one step further, and runs what is wanted of it. */
export class HostedReplica {
  readonly #dependencies: HostedReplicaDependencies;
  readonly #replica: string;
  readonly #watch: ReplicaWatch;
  /** Why it goes no further, for people. */
  reason = "";

  constructor(replica: string, dependencies: HostedReplicaDependencies) {
    this.#replica = replica;
    this.#dependencies = dependencies;
    this.#watch = new ReplicaWatch(dependencies);
  }

  /** @throws {@link FleetError}, {@link DiskError}: it is tried again. */
  async look(situation: ReplicaSituation): Promise<void> {
    const { course, isBlind, isExclusive } = situation;
    const { clock, exclusiveTiming, journal } = this.#dependencies;
    const lease = { ...situation, now: clock.now() / 1_000 };
    if (isExclusive && !mayRun(lease, exclusiveTiming)) {
      this.reason = "it is exclusive, and the newest block that this host has is too old";
      return stopAll(this.#dependencies, this.#replica, situation.instances);
    }
    const before = journal.replica(course.plan.directive, this.#replica);
    const own = this.#own(situation, before);
    const watched = isBlind ? before : await this.#watch.look(before, course, own.next);
    const state = isBlind ? before : await this.#step(situation, watched, own);
    await this.#run(situation, state, !isExclusive || mayStart(lease, exclusiveTiming));
  }

  #own({ course, instances }: ReplicaSituation, { phase }: JournaledReplica): OwnInstances {
    const { journal } = this.#dependencies;
    return ownInstances(instances, course, phase, ({ directive }) => journal.attempt(this.#replica, directive));
  }

  /** Decides and journals the next step, and says what is to be said. */
  async #step(situation: ReplicaSituation, state: JournaledReplica, own: OwnInstances): Promise<JournaledReplica> {
    const { course, host } = situation;
    const { facts, plan } = course;
    const isExcused = facts.excused.has(host);
    const waves = isExcused ? [] : ownWaves(plan, host, this.#replica);
    const wave = waves.find((number) => number > (state.begun ?? -1));
    const step = this.#next(situation, state, own, wave);
    this.reason = step.kind === "hold" ? step.reason : "";
    switch (step.kind) {
      case "hold":
        return state;
      case "begin": {
        const isSwitch = plan.waves[wave ?? 0]?.action === "switch";
        const begun = { ...state, begun: wave ?? 0 };
        return this.#record(
          isSwitch
            ? { ...begun, progress: watchedAnew(state.progress) }
            : { ...begun, phase: "taking", progress: this.#watch.begin() },
        );
      }
      case "report":
        return this.#report(state, course, host, step.result, step.note);
      case "revert":
        return this.#report({ ...state, phase: "reverted" }, course, host, "sick", step.note);
      case "end":
        return this.#record({ ...state, phase: "ended", ended: step.result });
    }
  }

  #next(
    { course, gate, others }: ReplicaSituation,
    state: JournaledReplica,
    { next, old }: OwnInstances,
    wave: number | undefined,
  ): HostStep {
    const { facts, isSettled, plan } = course;
    // The journal was lost, and what it said is what runs.
    if (isSettled && state.phase === "old" && next?.alive === true) return { kind: "end", result: "done" };
    const isOnNext = state.phase === "taking" || state.phase === "serving";
    const runs = isOnNext ? next : old;
    const stage = stageOf(state, course);
    return nextStep({
      plan,
      own: {
        phase: state.phase,
        wave,
        stage,
        progress: state.begun === null ? undefined : state.progress,
        isHealthy: runs?.healthy === true,
        hasOld: isOnNext && old?.alive === true,
      },
      facts,
      gate: facts.enacted === null ? gate(wave ?? plan.waves.length) : ENACTED,
      reported: stage === undefined ? undefined : reportedIn(state, stage),
      isTurn:
        facts.enacted !== null &&
        isItsTurn(plan, this.#replica, facts.enacted.at, {
          now: facts.now,
          clock: this.#dependencies.clock.now() / 1_000,
          others,
        }),
    });
  }

  async #run(situation: ReplicaSituation, state: JournaledReplica, mayStart: boolean): Promise<void> {
    const { course, isBlind, probe, seat, signal } = situation;
    const own = this.#own(situation, state);
    const wanted = wantedOf(state, course, own);
    const isOnNext = state.phase === "taking" || state.phase === "serving";
    const heals = !isOnNext || (course.plan.irreversible && state.progress.result === "sick");
    const found = wanted.run && own[wanted.run];
    if (isBlind && (!heals || found === undefined || found.alive)) return;
    const parameters = { replica: this.#replica, workload: seat.workload, probe, course, own, wanted, heals };
    try {
      const started = await reconcile(this.#dependencies, { ...parameters, mayStart, signal });
      if (started) this.#watch.started(course.plan.timing.startSeconds);
      else if (heals && found?.alive === false)
        this.reason = "it died, and has been restarted as often as it may be for now";
    } catch (error) {
      const isUnable = error instanceof FleetError && !error.retryable && state.phase === "taking";
      if (!isUnable || own.next !== undefined) throw error;
      const { host } = situation;
      await this.#report({ ...state, phase: "reverted" }, course, host, "unable", error.shortMessage);
    }
  }

  async #report(
    state: JournaledReplica,
    course: Course,
    host: string,
    result: StageResult,
    text: string,
  ): Promise<JournaledReplica> {
    const stage = stageOf(state, course) ?? 0;
    const said = { stage, result, at: course.facts.now, note: fittedText(text, MAX_TEXT_LENGTH) };
    const known = state.reports.some((each) => each.stage === stage && each.result === result);
    const next = await this.#record({ ...state, reports: known ? state.reports : [...state.reports, said] });
    if (!known) await this.#dependencies.say(reportOf(next, host, said));
    return next;
  }

  async #record(state: JournaledReplica): Promise<JournaledReplica> {
    await this.#dependencies.journal.record(state);
    this.#watch.recorded(state);
    return state;
  }
}

/** A journaled report, as it is signed. */
export function reportOf(
  { directive, replica }: Pick<JournaledReplica, "directive" | "replica">,
  host: string,
  said: JournaledReplica["reports"][number],
): StageReport {
  return { schema: "witan/stage-report/1", directive, replica, host, ...said };
}

function stageOf({ begun }: JournaledReplica, { plan }: Course): number | undefined {
  return begun === null ? undefined : plan.waves[begun]?.stage;
}

function reportedIn({ reports }: JournaledReplica, stage: number): StageResult | undefined {
  return reports.filter((each) => each.stage === stage).at(-1)?.result;
}
