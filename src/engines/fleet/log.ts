import type { OutcomeDetail } from "../../records/index.js";
import type { Journal } from "../../utils/journal.js";
import type { RolloutPlan } from "./plan.js";
import type { FleetSession, RolloutResult } from "./types.js";

/** A line of a rollout's journal, on disk before the step that it names is taken. */
export type RolloutEntry =
  | { readonly step: "plan"; readonly startedAt: number; readonly plan: RolloutPlan }
  | { readonly step: "remove" | "start"; readonly index: number }
  | { readonly step: "check"; readonly batch: number }
  | { readonly step: "checked"; readonly batch: number; readonly detail: readonly OutcomeDetail[] }
  | { readonly step: "finished"; readonly result: RolloutResult };

export type EntryOf<Step extends RolloutEntry["step"]> = Extract<RolloutEntry, { readonly step: Step }>;

/** What was written down of one rollout, by whichever process. */
export class RolloutLog {
  readonly id: string;
  readonly #journal: Journal<RolloutEntry>;
  readonly #entries: RolloutEntry[];
  readonly #onStep: (step: string) => void;

  private constructor(
    id: string,
    opened: { readonly journal: Journal<RolloutEntry>; readonly entries: RolloutEntry[] },
    onStep: (step: string) => void,
  ) {
    this.id = id;
    this.#journal = opened.journal;
    this.#entries = opened.entries;
    this.#onStep = onStep;
  }

  /** Opens the journal for the time of `work`. */
  static async with<T>(
    session: FleetSession,
    id: string,
    onStep: (step: string) => void,
    work: (log: RolloutLog) => Promise<T>,
  ): Promise<T> {
    const opened = await session.openJournal<RolloutEntry>(id);
    try {
      return await work(new RolloutLog(id, opened, onStep));
    } finally {
      await opened.journal.close();
    }
  }

  /** The latest entry of a step, where `matches`. */
  last<Step extends RolloutEntry["step"]>(
    step: Step,
    matches: (entry: EntryOf<Step>) => boolean = () => true,
  ): EntryOf<Step> | undefined {
    return this.#entries.findLast(
      (entry): entry is EntryOf<Step> => entry.step === step && matches(entry as EntryOf<Step>),
    );
  }

  /** Writes an entry, and resolves when it is on disk. */
  async note(entry: RolloutEntry): Promise<void> {
    await this.#journal.append(entry);
    this.#entries.push(entry);
    const of = "index" in entry ? ` ${entry.index}` : "batch" in entry ? ` batch ${entry.batch}` : "";
    this.#onStep(`${entry.step}${of}`);
  }
}
