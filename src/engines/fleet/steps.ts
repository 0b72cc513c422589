import { messageOf } from "../../errors.js";
import type { OutcomeDetail } from "../../records/index.js";
import { FleetError } from "./errors.js";
import type { RolloutLog } from "./log.js";
import type { RolloutPlan, Target } from "./plan.js";
import { type ProgressOptions, watchBatch } from "./progress.js";
import { type FleetSession, subjectOf } from "./types.js";

/**
 * Takes the steps of a plan that were not taken yet, each written down before it is taken.
 *
 * @returns what came of each workload.
 * @throws {FleetError} `not-stoppable`, and the signal's reason: what was done is written down, the next call goes on.
 */
export async function takeSteps(
  plan: RolloutPlan,
  log: RolloutLog,
  session: FleetSession,
  options: ProgressOptions,
): Promise<OutcomeDetail[]> {
  const subject = (index: number) => subjectOf(plan.during.name, index);
  const detail: OutcomeDetail[] = [...plan.skipped];
  for (const index of plan.removals) {
    options.signal?.throwIfAborted();
    await log.note({ step: "remove", index });
    await session.remove(index);
    detail.push({ subject: subject(index), result: "done", note: "stopped" });
  }
  let aborted = false;
  for (const [number, batch] of plan.batches.entries()) {
    const checked: readonly OutcomeDetail[] = aborted
      ? skip(batch, subject)
      : await takeBatch(plan, number, batch, log, session, options);
    detail.push(...checked);
    aborted ||= plan.abort && checked.some(({ result }) => result === "failed");
  }
  return detail;
}

async function takeBatch(
  plan: RolloutPlan,
  number: number,
  batch: readonly Target[],
  log: RolloutLog,
  session: FleetSession,
  options: ProgressOptions,
): Promise<readonly OutcomeDetail[]> {
  const known = log.last("checked", (entry) => entry.batch === number);
  if (known) return known.detail;
  const failures = new Map<number, string>();
  for (const { index, replace } of batch) {
    if (!replace) continue;
    options.signal?.throwIfAborted();
    await log.note({ step: "start", index });
    try {
      await session.replace(index, plan.release, `${log.id}/${index}`);
    } catch (error) {
      // What cannot be started now will not be better at the next try; all else is thrown, and tried again.
      if (!(error instanceof FleetError) || error.retryable) throw error;
      failures.set(index, messageOf(error));
    }
  }
  await log.note({ step: "check", batch: number });
  const detail =
    failures.size > 0
      ? batch.map(({ index }) => ({
          subject: subjectOf(plan.during.name, index),
          result: "failed" as const,
          note: failures.get(index) ?? "not checked: its batch failed",
        }))
      : await watchBatch(
          batch.map(({ index }) => index),
          (index) => session.look(index),
          options,
        );
  await log.note({ step: "checked", batch: number, detail });
  return detail;
}

function skip(batch: readonly Target[], subject: (index: number) => string): OutcomeDetail[] {
  const note = "untouched: a batch before it failed";
  return batch.map(({ index }) => ({ subject: subject(index), result: "skipped", note }));
}
