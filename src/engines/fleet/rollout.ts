import { messageOf } from "../../errors.js";
import type { OutcomeDetail } from "../../records/index.js";
import type { Journal } from "../../utils/journal.js";
import { FleetError } from "./errors.js";
import { type FleetOrder, planRollout, type RolloutPlan, type Target } from "./plan.js";
import { watchBatch } from "./progress.js";
import { type FleetDriver, type FleetSession, type RolloutResult, subjectOf } from "./types.js";

const DEFAULT_MIN_HEALTHY_MS = 2_000;
const DEFAULT_HEALTHY_DEADLINE_MS = 30_000;
const DEFAULT_PROBE_EVERY_MS = 200;

export interface RolloutContext {
  readonly driver: FleetDriver;
  /** What the steps are journaled under: the same id is the same rollout, whoever carries it out. */
  readonly directiveId: string;
  readonly minHealthyMs?: number;
  /** For each batch. */
  readonly healthyDeadlineMs?: number;
  readonly probeEveryMs?: number;
  /** Stops between two steps and rejects with the signal's reason; the next call goes on. */
  readonly signal?: AbortSignal;
  /** Hears each step as it is taken. */
  readonly onStep?: (step: string) => void;
}

/** A line of a rollout's journal, on disk before the step that it names is taken. */
type Entry =
  | { readonly step: "plan"; readonly startedAt: number; readonly plan: RolloutPlan }
  | { readonly step: "remove" | "start"; readonly index: number }
  | { readonly step: "check"; readonly batch: number }
  | { readonly step: "checked"; readonly batch: number; readonly detail: readonly OutcomeDetail[] }
  | { readonly step: "finished"; readonly result: RolloutResult };

/**
 * Carries a fleet order out, in batches with health checks between. Killed at any point and called again, by this or
 * another process, it goes on where it was, does nothing twice and ends the same; called again after it ended, it
 * returns the same result and touches nothing.
 *
 * A Deploy ends at the first batch that fails: that batch stays as it is, the rest stays on the release before; whether to
 * roll back is for the DAO to decide. A Rollback replaces all at once and checks health at the end.
 *
 * @throws {FleetError} before anything was changed: `busy`, `unknown-fleet`, `unknown-workload`, `no-earlier-release`,
 * `hash-mismatch`, `not-startable`; and on the way `not-stoppable`, after which another call goes on.
 */
export function carryOut(order: FleetOrder, context: RolloutContext): Promise<RolloutResult> {
  const { driver, directiveId, onStep = () => undefined } = context;
  return driver.exclusively(async (session) => {
    const { journal, entries } = await session.openJournal<Entry>(directiveId);
    try {
      const rollout = new Rollout(order, { ...context, onStep }, session, journal, entries);
      return await rollout.run();
    } finally {
      await journal.close();
    }
  }, onStep);
}

class Rollout {
  readonly #order: FleetOrder;
  readonly #context: RolloutContext & { readonly onStep: (step: string) => void };
  readonly #session: FleetSession;
  readonly #journal: Journal<Entry>;
  readonly #entries: readonly Entry[];

  constructor(
    order: FleetOrder,
    context: RolloutContext & { readonly onStep: (step: string) => void },
    session: FleetSession,
    journal: Journal<Entry>,
    entries: readonly Entry[],
  ) {
    this.#order = order;
    this.#context = context;
    this.#session = session;
    this.#journal = journal;
    this.#entries = entries;
  }

  async run(): Promise<RolloutResult> {
    const finished = this.#find("finished");
    if (finished) return finished.result;
    const { plan, startedAt } = this.#find("plan") ?? (await this.#plan());
    const session = this.#session;

    await session.announce([...plan.removals, ...plan.batches.flat().map(({ index }) => index)]);
    await session.writeState(plan.during);
    this.#context.onStep("state written");
    const detail: OutcomeDetail[] = [...plan.skipped];
    for (const index of plan.removals) {
      await this.#note({ step: "remove", index });
      await session.remove(index);
      detail.push({ subject: this.#subject(index), result: "done", note: "stopped" });
    }
    let failed = false;
    for (const [number, batch] of plan.batches.entries()) {
      const checked = failed && plan.abort ? skip(batch, this.#subject) : await this.#batch(plan, number, batch);
      detail.push(...checked);
      failed ||= checked.some(({ result }) => result === "failed");
    }
    if (!failed) await session.writeState(plan.done);
    const durationMs = Math.max(0, Date.now() - startedAt);
    const result: RolloutResult = { result: failed ? "failed" : "done", detail, durationMs };
    await this.#note({ step: "finished", result });
    return result;
  }

  async #plan(): Promise<{ readonly plan: RolloutPlan; readonly startedAt: number }> {
    const statuses = await this.#context.driver.list();
    const plan = planRollout(this.#order, await this.#session.state(), statuses);
    if (plan.batches.flat().some(({ replace }) => replace)) await this.#session.check(plan.release);
    const entry = { step: "plan", startedAt: Date.now(), plan } as const;
    await this.#note(entry);
    return entry;
  }

  async #batch(plan: RolloutPlan, number: number, batch: readonly Target[]): Promise<readonly OutcomeDetail[]> {
    const known = this.#entries.find((entry) => entry.step === "checked" && entry.batch === number);
    if (known?.step === "checked") return known.detail;
    const failures: OutcomeDetail[] = [];
    for (const { index, replace } of batch) {
      if (!replace) continue;
      this.#context.signal?.throwIfAborted();
      await this.#note({ step: "start", index });
      try {
        await this.#session.replace(index, plan.release, `${this.#context.directiveId}/${index}`);
      } catch (error) {
        // What can be started no more will not be better at the next try; all else is thrown, and tried again.
        if (!(error instanceof FleetError) || error.retryable) throw error;
        failures.push({ subject: this.#subject(index), result: "failed", note: messageOf(error) });
      }
    }
    await this.#note({ step: "check", batch: number });
    const detail =
      failures.length > 0 ? [...failures, ...unchecked(batch, failures, this.#subject)] : await this.#watch(batch);
    await this.#note({ step: "checked", batch: number, detail });
    return detail;
  }

  #watch(batch: readonly Target[]): Promise<OutcomeDetail[]> {
    const {
      minHealthyMs = DEFAULT_MIN_HEALTHY_MS,
      healthyDeadlineMs = DEFAULT_HEALTHY_DEADLINE_MS,
      probeEveryMs = DEFAULT_PROBE_EVERY_MS,
      signal,
    } = this.#context;
    const indices = batch.map(({ index }) => index);
    const look = (index: number) => this.#session.look(index);
    return watchBatch(indices, look, { minHealthyMs, healthyDeadlineMs, probeEveryMs, signal });
  }

  /** Writes down what comes next, unless it stands there already. */
  async #note(entry: Entry): Promise<void> {
    const line = JSON.stringify(entry);
    if (!this.#entries.some((known) => JSON.stringify(known) === line)) await this.#journal.append(entry);
    this.#context.onStep(labelOf(entry));
  }

  #find<Step extends Entry["step"]>(step: Step): Extract<Entry, { readonly step: Step }> | undefined {
    return this.#entries.find((entry): entry is Extract<Entry, { readonly step: Step }> => entry.step === step);
  }

  readonly #subject = (index: number): string => subjectOf(this.#context.driver.name, index);
}

function labelOf(entry: Entry): string {
  if ("index" in entry) return `${entry.step} ${entry.index}`;
  return "batch" in entry ? `${entry.step} batch ${entry.batch}` : entry.step;
}

function skip(batch: readonly Target[], subject: (index: number) => string): OutcomeDetail[] {
  const note = "untouched: a batch before it failed";
  return batch.map(({ index }) => ({ subject: subject(index), result: "skipped", note }));
}

function unchecked(
  batch: readonly Target[],
  failures: readonly OutcomeDetail[],
  subject: (index: number) => string,
): OutcomeDetail[] {
  const failed = new Set(failures.map((failure) => failure.subject));
  return batch
    .map(({ index }) => subject(index))
    .filter((each) => !failed.has(each))
    .map((each) => ({ subject: each, result: "failed", note: "not checked: its batch failed" }));
}
