import { type EntryOf, RolloutLog } from "./log.js";
import { type FleetOrder, planRollout } from "./plan.js";
import { takeSteps } from "./steps.js";
import type { FleetDriver, FleetSession, RolloutResult } from "./types.js";

const DEFAULT_MIN_HEALTHY_MS = 2_000;
const DEFAULT_HEALTHY_DEADLINE_MS = 30_000;
const DEFAULT_PROBE_EVERY_MS = 200;

export interface RolloutContext {
  readonly driver: FleetDriver;
  /** What the steps are journaled under: the same id is the same rollout, whoever carries it out. */
  readonly directiveId: string;
  /** A workload counts once it was healthy for this long without a break. */
  readonly minHealthyMs?: number;
  /** For each batch. Nothing sets it back, least of all a workload that comes and goes. */
  readonly healthyDeadlineMs?: number;
  readonly probeEveryMs?: number;
  /** Stops between two steps and rejects with the signal's reason; the next call goes on. */
  readonly signal?: AbortSignal;
  /** Hears each step, for progress and for tests. */
  readonly onStep?: (step: string) => void;
}

/**
 * Carries a fleet order out, in batches with health checks between. Killed at any point and called again, by this or
 * another process, it goes on where it was, does nothing twice and ends the same; called again after it ended, it
 * returns the same result and touches nothing. A rollout that was begun and not ended is ended first, whatever is ordered
 * next, unless that is to leave the very release that the unfinished one brings.
 *
 * A Deploy ends at the first batch that fails: that batch stays as it is, the rest stays on the release before; whether to
 * roll back is for the DAO to decide. A Rollback replaces all at once and checks health at the end.
 *
 * @throws {FleetError} before anything was changed: `busy`, `unknown-fleet`, `unknown-workload`, `no-earlier-release`,
 * `hash-mismatch`, `not-startable`; and on the way `not-stoppable`, after which another call goes on.
 */
export function carryOut(order: FleetOrder, context: RolloutContext): Promise<RolloutResult> {
  const { driver, directiveId, onStep = () => undefined } = context;
  return driver.exclusively(
    (session) =>
      RolloutLog.with(session, directiveId, onStep, async (log) => {
        await endOther(session, log.id, order, context);
        const finished = log.last("finished");
        if (finished) return await settle(session, log, finished.result);
        const begun = (await session.state()).rollout === directiveId;
        const plan = begun ? log.last("plan") : undefined;
        return await run(session, log, plan ?? (await makePlan(session, log, order, driver)), context);
      }),
    onStep,
  );
}

/** Ends the rollout that somebody began and did not live to end: rollouts follow one another, they never mix. */
async function endOther(session: FleetSession, own: string, order: FleetOrder, context: RolloutContext): Promise<void> {
  const { rollout: other } = await session.state();
  if (other === null || other === own) return;
  await RolloutLog.with(session, other, context.onStep ?? (() => undefined), async (log) => {
    const finished = log.last("finished");
    const begun = log.last("plan");
    if (finished || !begun) await settle(session, log, finished?.result);
    else if (order.kind === "Rollback" && order.from === begun.plan.release.sha256) {
      const note = "given up half-way: the release that it brings is to be left";
      const detail = [{ subject: `release ${begun.plan.release.name}`, result: "failed", note } as const];
      await end(session, log, { result: "failed", detail, durationMs: since(begun.startedAt) });
    } else await run(session, log, begun, context);
  });
}

/** Nothing is changed before the plan is on disk, and nothing of the plan once another rollout came between. */
async function makePlan(
  session: FleetSession,
  log: RolloutLog,
  order: FleetOrder,
  driver: FleetDriver,
): Promise<EntryOf<"plan">> {
  const plan = planRollout(order, await session.state(), await driver.list());
  if (plan.batches.flat().some(({ replace }) => replace)) await session.check(plan.release);
  const entry = { step: "plan", startedAt: Date.now(), plan } as const;
  await log.note(entry);
  return entry;
}

async function run(
  session: FleetSession,
  log: RolloutLog,
  { plan, startedAt }: EntryOf<"plan">,
  context: RolloutContext,
): Promise<RolloutResult> {
  await session.announce([...plan.removals, ...plan.batches.flat().map(({ index }) => index)]);
  await session.writeState({ ...plan.during, rollout: log.id });
  context.onStep?.("begun");
  const detail = await takeSteps(plan, log, session, {
    minHealthyMs: context.minHealthyMs ?? DEFAULT_MIN_HEALTHY_MS,
    healthyDeadlineMs: context.healthyDeadlineMs ?? DEFAULT_HEALTHY_DEADLINE_MS,
    probeEveryMs: context.probeEveryMs ?? DEFAULT_PROBE_EVERY_MS,
    signal: context.signal,
  });
  const failed = detail.some(({ result }) => result === "failed");
  return await end(session, log, { result: failed ? "failed" : "done", detail, durationMs: since(startedAt) });
}

async function end(session: FleetSession, log: RolloutLog, result: RolloutResult): Promise<RolloutResult> {
  await log.note({ step: "finished", result });
  return await settle(session, log, result);
}

/** Writes down what the fleet is to be after a rollout, unless that was done before. */
async function settle<Result extends RolloutResult | undefined>(
  session: FleetSession,
  log: RolloutLog,
  result: Result,
): Promise<Result> {
  const state = await session.state();
  if (state.rollout !== log.id) return result;
  const after = result?.result === "done" ? log.last("plan")?.plan.done : undefined;
  await session.writeState({ ...(after ?? state), rollout: null });
  return result;
}

function since(startedAt: number): number {
  return Math.max(0, Date.now() - startedAt);
}
