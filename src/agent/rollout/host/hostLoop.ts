import type { PlacedFleet } from "../../../client/index.js";
import type { HostDriver, HostedInstance } from "../../../engines/fleet/host/types.js";
import { messageOf } from "../../../errors.js";
import { ExclusiveDefaults, type ExclusiveTiming, type ReplicaSeat } from "../../../policy/placement/index.js";
import type { StageReport } from "../../../policy/rollout/index.js";
import type { Hex } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import type { Logger } from "../../../utils/logger.js";
import { retryDelay } from "../../../utils/timing/retryDelay.js";
import type { RolloutJournal } from "../journal.js";
import type { OpenRollouts } from "../openRollouts.js";
import type { MayRestart } from "../restartBudget.js";
import { courseOf, othersOf } from "./course.js";
import { HostedReplica, reportOf } from "./hostedReplica.js";
import { stopAll } from "./reconcile.js";

/** A replica that could not be brought further is tried again after pauses that double. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

export interface HostLoopDependencies {
  readonly driver: HostDriver;
  readonly journal: RolloutJournal;
  readonly rollouts: Pick<OpenRollouts, "fleet" | "gate" | "host" | "incomplete" | "planned">;
  readonly say: (report: StageReport) => Promise<void>;
  readonly mayRestart: MayRestart;
  readonly clock: Pick<Clock, "monotonic" | "now">;
  readonly logger: Logger;
  readonly exclusiveTiming?: ExclusiveTiming | undefined;
}

/** What people see of a replica that this host has. */
export interface HostedReplicaStatus {
  readonly replica: string;
  readonly phase: string;
  readonly release: Hex | null;
  readonly healthy: boolean;
  /** Why it goes no further; empty while it does. */
  readonly reason: string;
}

interface Failing {
  readonly failures: number;
  readonly notBefore: number;
}

/** Carries out this host's own share: runs what it has seats for, and takes it through rollouts by what is known at each look. */
export class HostLoop {
  readonly #dependencies: HostLoopDependencies;
  readonly #replicas = new Map<string, HostedReplica>();
  /** Replicas whose last look is still under way, such as while an instance drains. */
  readonly #busy = new Map<string, Promise<void>>();
  readonly #failing = new Map<string, Failing>();
  /** Rollouts whose journaled reports were said since this process started. */
  readonly #repeated = new Set<Hex>();
  #cleanedAt = -1;
  #status: readonly HostedReplicaStatus[] = [];

  constructor(dependencies: HostLoopDependencies) {
    this.#dependencies = dependencies;
  }

  get status(): readonly HostedReplicaStatus[] {
    return this.#status;
  }

  /** Looks once at every replica; resolves when those that can be looked at at once were. @throws {@link FleetError}, {@link DiskError} */
  async tick(signal: AbortSignal): Promise<void> {
    const { driver, rollouts } = this.#dependencies;
    const { fleet, host } = rollouts;
    if (fleet === undefined || host === undefined) return;
    const isBlind = rollouts.incomplete !== undefined;
    const seats = [...fleet.placement.seats.values()].filter((seat) => seat.host === host);
    const own = new Set(seats.map(({ replica }) => replica));
    if (!isBlind) await this.#prepare(fleet, host, own);
    const instances = byReplica(await driver.list());
    if (!isBlind) {
      for (const [replica, running] of instances)
        if (!own.has(replica)) this.#start(replica, () => stopAll(this.#dependencies, replica, running));
    }
    for (const seat of seats) {
      const running = instances.get(seat.replica) ?? [];
      this.#start(seat.replica, () => this.#look(seat, fleet, { host, running, isBlind, signal }));
    }
    this.#status = seats.map(({ replica, workload }) => this.#statusOf(replica, workload, fleet, instances));
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy.values());
  }

  /** Forgets what is over, and says again what this host has said of what is open. */
  async #prepare(fleet: PlacedFleet, host: string, own: ReadonlySet<string>): Promise<void> {
    const { journal, rollouts, say } = this.#dependencies;
    for (const { plan } of rollouts.planned) {
      if (this.#repeated.has(plan.directive)) continue;
      for (const state of journal.replicasOf(plan.directive))
        for (const said of state.reports) await say(reportOf(state, host, said));
      this.#repeated.add(plan.directive);
    }
    if (this.#cleanedAt === fleet.blockNumber || this.#busy.size > 0) return;
    this.#cleanedAt = fleet.blockNumber;
    const named = [...fleet.workloads.values()].flatMap(({ rollout, settled }) => [
      rollout?.directive.id,
      settled?.directive,
    ]);
    const directives = new Set(named.filter((id) => id !== undefined));
    await journal.keepOnly(directives, own);
    for (const known of [this.#replicas, this.#failing])
      for (const replica of known.keys()) if (!own.has(replica)) known.delete(replica);
    for (const id of this.#repeated) if (!directives.has(id)) this.#repeated.delete(id);
  }

  async #look(
    seat: ReplicaSeat,
    fleet: PlacedFleet,
    {
      host,
      isBlind,
      running,
      signal,
    }: { host: string; isBlind: boolean; running: readonly HostedInstance[]; signal: AbortSignal },
  ): Promise<void> {
    const { exclusiveTiming = ExclusiveDefaults, rollouts } = this.#dependencies;
    const workload = fleet.workloads.get(seat.workload);
    const course = workload && courseOf(workload, fleet);
    if (workload === undefined || course === undefined) return;
    const replica =
      this.#replicas.get(seat.replica) ?? new HostedReplica(seat.replica, { ...this.#dependencies, exclusiveTiming });
    this.#replicas.set(seat.replica, replica);
    const planned = rollouts.planned.find(({ plan }) => plan === course.plan);
    await replica.look({
      ...{ host, seat, course, isBlind, signal, instances: running, blockTime: fleet.blockTime },
      probe: workload.spec.probe,
      isExclusive: workload.spec.exclusive,
      gate: (wave) => (planned ? rollouts.gate(planned, wave) : { kind: "hold", reason: "nothing is open", about: [] }),
      others: othersOf(course.plan, seat.workload, fleet),
    });
  }

  /** One work a replica at a time; what failed waits. */
  #start(replica: string, work: () => Promise<void>): void {
    const { clock, logger } = this.#dependencies;
    const failing = this.#failing.get(replica);
    if (this.#busy.has(replica) || (failing !== undefined && clock.monotonic() < failing.notBefore)) return;
    const done = work()
      .then(
        () => void this.#failing.delete(replica),
        (error: unknown) => {
          const failures = (failing?.failures ?? 0) + 1;
          // What was journaled and could not be said is said again.
          this.#repeated.clear();
          const pauseMs = retryDelay(failures, FIRST_PAUSE_MS, MAX_PAUSE_MS);
          this.#failing.set(replica, { failures, notBefore: clock.monotonic() + pauseMs });
          logger[failures === 1 ? "warn" : "debug"]("a replica waits", { replica, reason: messageOf(error), pauseMs });
        },
      )
      .finally(() => this.#busy.delete(replica));
    this.#busy.set(replica, done);
  }

  #statusOf(
    replica: string,
    workload: string,
    fleet: PlacedFleet,
    instances: ReadonlyMap<string, readonly HostedInstance[]>,
  ): HostedReplicaStatus {
    const { journal } = this.#dependencies;
    const state = fleet.workloads.get(workload);
    const course = state && courseOf(state, fleet);
    const serving = instances.get(replica)?.find((each) => each.serving);
    return {
      replica,
      phase: course === undefined ? "waiting" : journal.replica(course.plan.directive, replica).phase,
      release: serving?.release ?? null,
      healthy: serving?.healthy ?? false,
      reason: this.#replicas.get(replica)?.reason ?? state?.rollout?.plan.fault ?? "",
    };
  }
}

function byReplica(all: readonly HostedInstance[]): Map<string, HostedInstance[]> {
  const grouped = new Map<string, HostedInstance[]>();
  for (const each of all) grouped.set(each.replica, [...(grouped.get(each.replica) ?? []), each]);
  return grouped;
}
