import { type Clock, systemClock } from "../../utils/clock.js";
import { RolloutLog } from "./log.js";
import { planRollout, type RolloutPlan, type WorkloadOrder } from "./plan.js";
import { executeSteps } from "./steps.js";
import type { RolloutResult, WorkloadDriver, WorkloadSession } from "./types.js";

const DEFAULT_MIN_READY_MS = 2_000;
const DEFAULT_PROGRESS_DEADLINE_MS = 30_000;
const DEFAULT_PROBE_EVERY_MS = 200;

export interface RolloutContext {
  readonly driver: WorkloadDriver;
  /** The steps are journaled under it: the same id is the same rollout, in any process. */
  readonly directiveId: string;
  /** A replica is ready once it was healthy for this long without a break. */
  readonly minReadyMs?: number;
  /** For each batch. Nothing resets it: a replica that flaps is not progress. */
  readonly progressDeadlineMs?: number;
  readonly probeEveryMs?: number;
  /** Stops between two steps and rejects with the signal's reason; the next call carries on. */
  readonly signal?: AbortSignal;
  /** Called with each step, for progress and for tests. */
  readonly onStep?: (step: string) => void;
  readonly clock?: Clock;
}

/**
 * Carries out an order on a workload, in batches with health checks between them. Killed at any point and called again, by
 * this or another process, it carries on from its journal, does nothing twice and ends the same; called again after it
 * ended, it returns the same result and changes nothing. A rollout that was begun and not ended is ended first, unless the
 * order is a Rollback from the release that the unfinished rollout brings.
 *
 * A Deploy ends at the first batch that fails: that batch stays as it is, the others stay on the release before; the DAO
 * decides whether to roll back. A Rollback replaces all replicas at once and checks their health at the end.
 *
 * @throws {FleetError} before anything was changed: `busy`, `unknown-workload`, `unknown-replica`, `no-earlier-release`,
 * `hash-mismatch`, `not-startable`, `unsupported`, `no-room`; at any time `unavailable` and `not-stoppable`, after which another
 * call carries on.
 */
export function carryOut(order: WorkloadOrder, context: RolloutContext): Promise<RolloutResult> {
  const { driver, directiveId, onStep = () => undefined, clock = systemClock } = context;
  return driver.exclusively(
    (session) =>
      RolloutLog.with(session, directiveId, onStep, clock, async (log) => {
        await endOther(session, log.id, order, context);
        const finished = log.last("finished");
        if (finished) return await writeDone(session, log, finished.result);
        const begun = (await session.state()).rollout === directiveId;
        const plan = begun ? log.last("plan")?.plan : undefined;
        return await run(session, log, plan ?? (await makePlan(session, log, order, driver)), context);
      }),
    onStep,
    context.signal,
  );
}

/** Ends a rollout that another process began and did not end: rollouts follow one another, they never overlap. */
async function endOther(
  session: WorkloadSession,
  own: string,
  order: WorkloadOrder,
  context: RolloutContext,
): Promise<void> {
  const { rollout: other } = await session.state();
  if (other === null || other === own) return;
  const { onStep = () => undefined, clock = systemClock } = context;
  await RolloutLog.with(session, other, onStep, clock, async (log) => {
    const finished = log.last("finished");
    const begun = log.last("plan");
    if (finished || !begun) await writeDone(session, log, finished?.result);
    else if (order.kind === "Rollback" && order.from === begun.plan.release.sha256) {
      const note = "aborted: the order that follows rolls back the release that it brings";
      const detail = [{ subject: `release ${begun.plan.release.name}`, result: "failed", note } as const];
      await end(session, log, { result: "failed", detail, durationMs: log.elapsedMs() });
    } else await run(session, log, begun.plan, context);
  });
}

/** The plan is on disk before anything is changed, and holds until its rollout ends. */
async function makePlan(
  session: WorkloadSession,
  log: RolloutLog,
  order: WorkloadOrder,
  driver: WorkloadDriver,
): Promise<RolloutPlan> {
  const plan = planRollout(order, await session.state(), await driver.list());
  if (plan.batches.flat().some(({ replace }) => replace)) await session.check(plan.release);
  await log.append({ step: "plan", plan });
  return plan;
}

async function run(
  session: WorkloadSession,
  log: RolloutLog,
  plan: RolloutPlan,
  context: RolloutContext,
): Promise<RolloutResult> {
  await session.announce([...plan.removals, ...plan.batches.flat().map(({ index }) => index)]);
  const before = await session.state();
  const isNew = before.current.sha256 !== plan.release.sha256 && plan.during.current.sha256 === plan.release.sha256;
  const broughtBy = isNew ? log.id : before.broughtBy;
  await session.writeState({ ...plan.during, broughtBy, rollout: log.id });
  context.onStep?.("begun");
  const detail = await executeSteps(plan, log, session, {
    minReadyMs: context.minReadyMs ?? DEFAULT_MIN_READY_MS,
    progressDeadlineMs: context.progressDeadlineMs ?? DEFAULT_PROGRESS_DEADLINE_MS,
    probeEveryMs: context.probeEveryMs ?? DEFAULT_PROBE_EVERY_MS,
    clock: context.clock ?? systemClock,
    signal: context.signal,
  });
  const failed = detail.some(({ result }) => result === "failed");
  return await end(session, log, { result: failed ? "failed" : "done", detail, durationMs: log.elapsedMs() });
}

async function end(session: WorkloadSession, log: RolloutLog, result: RolloutResult): Promise<RolloutResult> {
  await log.append({ step: "finished", result });
  return await writeDone(session, log, result);
}

/** Writes the workload's desired state after a rollout, unless that was done before. */
async function writeDone<Result extends RolloutResult | undefined>(
  session: WorkloadSession,
  log: RolloutLog,
  result: Result,
): Promise<Result> {
  const state = await session.state();
  if (state.rollout !== log.id) return result;
  const after = result?.result === "done" ? log.last("plan")?.plan.done : undefined;
  await session.writeState({ ...(after ?? state), broughtBy: state.broughtBy, rollout: null });
  return result;
}
