import { createHash } from "node:crypto";
import { messageOf } from "../../errors.js";
import type { ContentMaintenance, GcResult, ScrubResult } from "../../ports/content/index.js";
import type { Address } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { retryDelay } from "../../utils/retryDelay.js";

/** A scrub works so long at a stretch, and then rests: others have the machine in between. */
const STRETCH_MS = 20;
/** The share of the time in which a scrub works. */
const SCRUB_SHARE = 0.1;
/** What took long waited for peers, and not for this machine. */
const MAX_REST_MS = 1_000;
const FIRST_RETRY_MS = 60_000;

export interface MaintenanceParameters {
  readonly store: Pick<ContentMaintenance, "gc" | "scrub">;
  /** The operator: each node has its own moment in a period. */
  readonly self: Address;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between two runs of gc; 0 for none. */
  readonly gcEveryMs: number;
  /** Blocks put or fetched this recently stay. */
  readonly graceMs: number;
  /** Between the starts of two scrubs; 0 for none. */
  readonly scrubEveryMs: number;
}

/** What was done last. Moments are in milliseconds since 1970, of the end. */
export interface MaintenanceState {
  /** Null before the first. `missing`: blocks that pins need and that are not here; if there is one, nothing was removed. */
  readonly lastGc:
    | ({ readonly at: number; readonly bytes: number; readonly missing: number } & Pick<
        GcResult,
        "kept" | "spared" | "removed"
      >)
    | null;
  /** Null before the first. `missing`: blocks that pins need and that no peer had. */
  readonly lastScrub:
    | ({ readonly at: number; readonly checked: number; readonly missing: number } & Pick<
        ScrubResult,
        "bytes" | "bad" | "healed"
      >)
    | null;
  /** What failed, until it has succeeded again; it is tried again. */
  readonly failing: readonly { readonly what: "gc" | "scrub"; readonly at: number; readonly reason: string }[];
}

interface Task {
  readonly what: "gc" | "scrub";
  readonly everyMs: number;
  readonly work: (signal: AbortSignal) => Promise<void>;
  dueAt: number;
  /** In a row. */
  failures: number;
}

/**
 * Maintains the blocks of a running node: gc removes what no pin needs; scrub reads and checks every block, slowly, and
 * fetches again what is bad. The two never run at once: a gc that is due runs between two stretches of a scrub.
 */
export class Maintenance {
  readonly #parameters: MaintenanceParameters;
  readonly #tasks: readonly Task[];
  readonly #failing = new Map<Task["what"], MaintenanceState["failing"][number]>();
  #lastGc: MaintenanceState["lastGc"] = null;
  #lastScrub: MaintenanceState["lastScrub"] = null;

  constructor(parameters: MaintenanceParameters) {
    const { clock, gcEveryMs, scrubEveryMs, self } = parameters;
    this.#parameters = parameters;
    const task = (what: Task["what"], everyMs: number, work: Task["work"]): Task[] =>
      everyMs === 0 ? [] : [{ what, everyMs, work, failures: 0, dueAt: nextSlot(clock.now(), everyMs, what, self) }];
    this.#tasks = [
      ...task("gc", gcEveryMs, (signal) => this.#gc(signal)),
      ...task("scrub", scrubEveryMs, (signal) => this.#scrub(signal)),
    ];
  }

  get state(): MaintenanceState {
    return { lastGc: this.#lastGc, lastScrub: this.#lastScrub, failing: [...this.#failing.values()] };
  }

  /** Works until the signal aborts; what was under way then has ended when this resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parameters;
    while (!signal.aborted && this.#tasks.length > 0) {
      const [next] = [...this.#tasks].sort((a, b) => a.dueAt - b.dueAt) as [Task];
      await clock.sleep(Math.max(0, next.dueAt - clock.now()), signal).catch(() => undefined);
      if (!signal.aborted) await this.#perform(next, signal);
    }
  }

  async #perform(task: Task, signal: AbortSignal): Promise<void> {
    const { clock, logger, self } = this.#parameters;
    const { everyMs, what, work } = task;
    try {
      await work(signal);
      this.#failing.delete(what);
      task.failures = 0;
      task.dueAt = nextSlot(clock.now(), everyMs, what, self);
    } catch (error) {
      if (signal.aborted) return;
      task.failures += 1;
      task.dueAt = clock.now() + retryDelay(task.failures, Math.min(FIRST_RETRY_MS, everyMs), everyMs);
      const reason = messageOf(error);
      this.#failing.set(what, { what, at: clock.now(), reason });
      logger.error("the upkeep of the store failed, and is tried again", { what, reason });
    }
  }

  async #gc(signal: AbortSignal): Promise<void> {
    const { clock, graceMs, logger, store } = this.#parameters;
    const { kept, spared, removed, removedBytes: bytes, missing } = await store.gc({ graceMs, signal });
    this.#lastGc = { at: clock.now(), kept, spared, removed, bytes, missing: missing.length };
    if (missing.length > 0) logger.warn("gc removed nothing: blocks that pins need are missing", { missing });
    else logger.info("gc done", { removed, bytes });
  }

  async #scrub(signal: AbortSignal): Promise<void> {
    const { clock, logger, store } = this.#parameters;
    const { blocks: checked, bytes, bad, healed, lost } = await store.scrub({ signal, pause: this.#pace(signal) });
    this.#lastScrub = { at: clock.now(), checked, bytes, bad, healed, missing: lost.length };
    if (lost.length > 0) logger.error("blocks that pins need are lost", { lost: lost.slice(0, 8), of: lost.length });
    else logger.info("scrub done", { checked, bad, healed });
  }

  /** Pauses a scrub, and runs gc first if it is due. */
  #pace(signal: AbortSignal): () => Promise<void> {
    const { clock } = this.#parameters;
    const gc = this.#tasks.find(({ what }) => what === "gc");
    let since = clock.now();
    return async () => {
      const worked = clock.now() - since;
      if (worked < STRETCH_MS) return;
      if (gc !== undefined && gc.dueAt <= clock.now()) await this.#perform(gc, signal);
      await clock.sleep(Math.min(MAX_REST_MS, worked * (1 / SCRUB_SHARE - 1)), signal);
      since = clock.now();
    };
  }
}

/**
 * The next moment at which this node does something: the same place in every period, whenever it was started, and another
 * for each node, so that not all work at once.
 */
export function nextSlot(now: number, everyMs: number, what: string, self: Address): number {
  const place = createHash("sha256").update(`${what} ${self.toLowerCase()}`).digest().readUInt32BE(0) / 2 ** 32;
  const first = Math.floor(place * everyMs);
  return (Math.floor((now - first) / everyMs) + 1) * everyMs + first;
}
