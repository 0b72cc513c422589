import type { OutcomeDetail } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Journal } from "../../utils/journal.js";
import type { RolloutPlan } from "./plan.js";
import type { RolloutResult, WorkloadSession } from "./types.js";

/** An entry of a rollout's journal, written to disk before the step that it names is executed. */
export type RolloutEntry =
  | { readonly step: "plan"; readonly plan: RolloutPlan }
  | { readonly step: "remove" | "start"; readonly index: number }
  | { readonly step: "check"; readonly batch: number }
  | { readonly step: "checked"; readonly batch: number; readonly detail: readonly OutcomeDetail[] }
  | { readonly step: "finished"; readonly result: RolloutResult };

export type RolloutEntryOf<Step extends RolloutEntry["step"]> = Extract<RolloutEntry, { readonly step: Step }>;

/** A line on disk. */
interface RolloutLine {
  readonly entry: RolloutEntry;
  /** How long all processes together had worked on the rollout by then, in milliseconds. */
  readonly elapsedMs: number;
}

/** As far as it tells which step it is: throws for a line of another journal or version. */
function parseLine(value: unknown): RolloutLine {
  const line = value as Partial<RolloutLine> | null;
  if (typeof line?.entry?.step !== "string" || typeof line.elapsedMs !== "number")
    throw new TypeError("It is no step of a rollout.");
  return line as RolloutLine;
}

/** The journal of one rollout, which any process of the machine may carry on with. */
export class RolloutLog {
  readonly id: string;
  readonly #journal: Journal<RolloutLine>;
  readonly #entries: RolloutEntry[];
  readonly #onStep: (step: string) => void;
  readonly #clock: Clock;
  readonly #openedAt: number;
  readonly #elapsedBefore: number;

  private constructor(
    id: string,
    opened: { readonly journal: Journal<RolloutLine>; readonly entries: RolloutLine[] },
    onStep: (step: string) => void,
    clock: Clock,
  ) {
    this.id = id;
    this.#journal = opened.journal;
    this.#entries = opened.entries.map(({ entry }) => entry);
    this.#onStep = onStep;
    this.#clock = clock;
    this.#openedAt = clock.monotonic();
    this.#elapsedBefore = opened.entries.at(-1)?.elapsedMs ?? 0;
  }

  /** Opens the journal, and closes it once `work` ends. */
  static async with<T>(
    session: WorkloadSession,
    id: string,
    onStep: (step: string) => void,
    clock: Clock,
    work: (log: RolloutLog) => Promise<T>,
  ): Promise<T> {
    const opened = await session.openJournal(id, parseLine);
    try {
      return await work(new RolloutLog(id, opened, onStep, clock));
    } finally {
      await opened.journal.close();
    }
  }

  /** The latest entry of a step that `matches`, if any. */
  last<Step extends RolloutEntry["step"]>(
    step: Step,
    matches: (entry: RolloutEntryOf<Step>) => boolean = () => true,
  ): RolloutEntryOf<Step> | undefined {
    return this.#entries.findLast(
      (entry): entry is RolloutEntryOf<Step> => entry.step === step && matches(entry as RolloutEntryOf<Step>),
    );
  }

  /** Milliseconds that this process and those before it have worked on the rollout. Follows no wall clock. */
  elapsedMs(): number {
    return Math.round(this.#elapsedBefore + this.#clock.monotonic() - this.#openedAt);
  }

  /** Writes an entry, and resolves when it is on disk. */
  async append(entry: RolloutEntry): Promise<void> {
    await this.#journal.append({ entry, elapsedMs: this.elapsedMs() });
    this.#entries.push(entry);
    const of = "index" in entry ? ` ${entry.index}` : "batch" in entry ? ` batch ${entry.batch}` : "";
    this.#onStep(`${entry.step}${of}`);
  }
}
