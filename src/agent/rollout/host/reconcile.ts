import type { HostDriver, HostedInstance } from "../../../engines/fleet/host/types.js";
import type { HealthProbe } from "../../../records/index.js";
import type { RolloutJournal } from "../journal.js";
import type { MayRestart } from "../restartBudget.js";
import type { Course, KeyedRelease } from "./course.js";
import { directiveOfStep, type OwnInstances, stepOf, type WantedInstances } from "./wanted.js";

export interface ReconcileDependencies {
  readonly driver: HostDriver;
  readonly journal: Pick<RolloutJournal, "attempt" | "recordAttempt">;
  readonly mayRestart: MayRestart;
}

export interface ReconcileParameters {
  readonly replica: string;
  readonly workload: string;
  readonly probe: HealthProbe;
  readonly course: Course;
  readonly own: OwnInstances;
  readonly wanted: WantedInstances;
  /** Whether an instance that died is restarted; while a rollout watches it, that it died is what counts. */
  readonly heals: boolean;
  /** False while its place may be another host's. */
  readonly mayStart: boolean;
  readonly signal: AbortSignal;
}

/**
 * Brings what runs of one replica to what is wanted. Repeated after a kill at any instant, it ends the same. Resolves with whether it
 * started an instance.
 *
 * @throws {@link FleetError}, {@link DiskError}
 */
export async function reconcile(
  dependencies: ReconcileDependencies,
  parameters: ReconcileParameters,
): Promise<boolean> {
  const { driver } = dependencies;
  const { course, own, replica, wanted } = parameters;
  const release = wanted.run === "next" ? course.to : wanted.run === "old" ? course.from : undefined;
  const found = wanted.run === undefined ? undefined : own[wanted.run];
  const beside = wanted.keepsOld ? own.old : undefined;
  const kept = [found, beside];
  let unwanted = own.all.filter((each) => !kept.includes(each));
  const stopOthers = async () => {
    await stopAll(dependencies, replica, unwanted);
    unwanted = [];
  };

  if (wanted.run !== undefined && release === undefined) return false;
  let runs = found;
  let started = false;
  if (release !== undefined && parameters.mayStart) {
    if (found === undefined) {
      await driver.prepare(release.release, parameters.signal);
      await stopOthers();
      runs = await start(dependencies, parameters, release);
      started = true;
    } else if (!found.alive && parameters.heals && (await dependencies.mayRestart(replica))) {
      // Under a new name: the name of the dead one finds the dead one.
      await stopAll(dependencies, replica, [found]);
      runs = await start(dependencies, parameters, release);
      started = true;
    }
  }
  const target = wanted.serves === "old" && beside !== found && beside?.alive ? beside : runs;
  if (target?.alive && !target.serving) await driver.serve(replica, target.step);
  await stopOthers();
  return started;
}

async function start(
  { driver, journal }: ReconcileDependencies,
  { probe, replica, signal, workload }: ReconcileParameters,
  release: KeyedRelease,
): Promise<HostedInstance> {
  const step = stepOf(release, journal.attempt(replica, release.directive));
  return driver.start({ replica, workload, release: release.release, step, probe, signal });
}

/** Stops instances for good: what is started of their releases later has another name. */
export async function stopAll(
  { driver, journal }: Pick<ReconcileDependencies, "driver" | "journal">,
  replica: string,
  instances: readonly HostedInstance[],
): Promise<void> {
  for (const { step } of instances) {
    const directive = directiveOfStep(step);
    const attempt = journal.attempt(replica, directive);
    if (stepOf({ directive }, attempt) === step)
      await journal.recordAttempt({ replica, directive, attempt: attempt + 1 });
    await driver.stop(replica, step);
  }
}
