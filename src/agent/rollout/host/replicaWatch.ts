import type { HostedInstance } from "../../../engines/fleet/host/types.js";
import {
  NEW_PROGRESS,
  type ProbeResult,
  progressAfter,
  type ReplicaProgress,
  resumed,
} from "../../../policy/rollout/index.js";
import type { Hex } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import type { JournaledReplica, RolloutJournal } from "../journal.js";
import type { Course } from "./course.js";

/** So much of the time that a replica was watched may be lost with the process: it is watched for longer then. */
const JOURNAL_EVERY_MS = 10_000;

export interface ReplicaWatchDependencies {
  readonly journal: Pick<RolloutJournal, "record">;
  readonly clock: Pick<Clock, "monotonic">;
}

/** Probes of one replica that takes a release, over time. */
export class ReplicaWatch {
  readonly #dependencies: ReplicaWatchDependencies;
  /** The rollout that it is watched in, and how it is doing. */
  #directive: Hex | undefined;
  #progress: ReplicaProgress = NEW_PROGRESS;
  #journaledMs = 0;
  #probedAt: number | undefined;
  #graceUntil = Number.NEGATIVE_INFINITY;

  constructor(dependencies: ReplicaWatchDependencies) {
    this.#dependencies = dependencies;
  }

  /** The state after one more probe, journaled if it matters. */
  async look(state: JournaledReplica, course: Course, next: HostedInstance | undefined): Promise<JournaledReplica> {
    if (this.#directive !== state.directive) this.#resume(state);
    if (state.phase !== "taking" && state.phase !== "serving") return state;
    const now = this.#dependencies.clock.monotonic();
    const elapsedMs = now - (this.#probedAt ?? now);
    this.#probedAt = now;
    const isSeen = next?.healthy === true || now >= this.#graceUntil;
    if (isSeen) this.#progress = progressAfter(this.#progress, resultOf(next), elapsedMs, course.plan.timing);
    const isReady = this.#progress.result === "ready" && state.phase === "taking";
    const watched: JournaledReplica = { ...state, phase: isReady ? "serving" : state.phase, progress: this.#progress };
    const isNews = watched.phase !== state.phase || this.#progress.result !== state.progress.result;
    if (!isNews && this.#progress.watchedMs - this.#journaledMs < JOURNAL_EVERY_MS) return watched;
    await this.#dependencies.journal.record(watched);
    this.recorded(watched);
    return watched;
  }

  /** It takes the release from now on. */
  begin(): ReplicaProgress {
    this.#progress = NEW_PROGRESS;
    this.#probedAt = undefined;
    return NEW_PROGRESS;
  }

  /** An instance was started: one that was ready before, as before a reboot, is given time to answer. */
  started(startSeconds: number): void {
    if (this.#progress.result === "ready")
      this.#graceUntil = this.#dependencies.clock.monotonic() + startSeconds * 1_000;
  }

  recorded({ directive, progress }: JournaledReplica): void {
    this.#directive = directive;
    this.#progress = progress;
    this.#journaledMs = progress.watchedMs;
  }

  #resume(state: JournaledReplica): void {
    this.recorded({ ...state, progress: resumed(state.progress) });
    this.#probedAt = undefined;
  }
}

/** One that is not there yet is not healthy; one that ended by itself died. */
function resultOf(instance: HostedInstance | undefined): ProbeResult {
  if (instance?.alive === false) return "died";
  return instance?.healthy === true ? "healthy" : "unhealthy";
}
