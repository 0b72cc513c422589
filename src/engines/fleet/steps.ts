import { messageOf } from "../../errors.js";
import type { OutcomeDetail } from "../../records/index.js";
import { FleetError } from "./errors.js";
import type { RolloutLog } from "./log.js";
import type { BatchTarget, RolloutPlan } from "./plan.js";
import { type ProgressOptions, watchBatch } from "./progress.js";
import { subjectOfReplica, type WorkloadSession } from "./types.js";

/**
 * Executes the steps of a plan that were not executed yet; each is journaled first.
 *
 * @returns the result for each replica.
 * @throws {FleetError} `not-stoppable`, and the signal's reason: the next call carries on from the journal.
 */
export async function executeSteps(
  plan: RolloutPlan,
  log: RolloutLog,
  session: WorkloadSession,
  options: ProgressOptions,
): Promise<OutcomeDetail[]> {
  const subject = (index: number) => subjectOfReplica(plan.during.workload, index);
  const detail: OutcomeDetail[] = [...plan.skipped];
  for (const index of plan.removals) {
    options.signal?.throwIfAborted();
    await log.append({ step: "remove", index });
    await session.remove(index);
    detail.push({ subject: subject(index), result: "done", note: "stopped" });
  }
  let aborted = false;
  for (const [number, batch] of plan.batches.entries()) {
    const checked: readonly OutcomeDetail[] = aborted
      ? skip(batch, subject)
      : await executeBatch(plan, number, batch, log, session, options);
    detail.push(...checked);
    aborted ||= plan.abort && checked.some(({ result }) => result === "failed");
  }
  return detail;
}

async function executeBatch(
  plan: RolloutPlan,
  number: number,
  batch: readonly BatchTarget[],
  log: RolloutLog,
  session: WorkloadSession,
  options: ProgressOptions,
): Promise<readonly OutcomeDetail[]> {
  const known = log.last("checked", (entry) => entry.batch === number);
  if (known) return known.detail;
  const failures = new Map<number, string>();
  for (const { index, replace } of batch) {
    if (!replace) continue;
    options.signal?.throwIfAborted();
    await log.append({ step: "start", index });
    try {
      await session.replace(index, plan.release, `${log.id}/${index}`);
    } catch (error) {
      // A release that cannot be started now cannot at the next attempt either. Other errors are thrown, and retried.
      if (!(error instanceof FleetError) || error.retryable) throw error;
      failures.set(index, messageOf(error));
    }
  }
  await log.append({ step: "check", batch: number });
  const detail =
    failures.size > 0
      ? batch.map(({ index }) => ({
          subject: subjectOfReplica(plan.during.workload, index),
          result: "failed" as const,
          note: failures.get(index) ?? "not checked: its batch failed",
        }))
      : await watchBatch(
          batch.map(({ index }) => index),
          (index) => session.probe(index),
          options,
        );
  await log.append({ step: "checked", batch: number, detail });
  return detail;
}

function skip(batch: readonly BatchTarget[], subject: (index: number) => string): OutcomeDetail[] {
  const note = "untouched: a batch before it failed";
  return batch.map(({ index }) => ({ subject: subject(index), result: "skipped", note }));
}
