import { createHash } from "node:crypto";
import { messageOf } from "../../errors.js";
import type { ContentMaintenance, GcResult, ScrubResult } from "../../ports/content/index.js";
import type { Address } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { retryDelay } from "../../utils/retryDelay.js";

/** A scan works so long at a stretch, and then rests: others have the machine in between. */
const STRETCH_MS = 20;
/** What a scan takes of the time. */
const SCAN_SHARE = 0.1;
/** What took long waited for peers, and not for this machine. */
const MAX_REST_MS = 1_000;
const FIRST_RETRY_MS = 60_000;

export interface MaintenanceParameters {
  readonly store: Pick<ContentMaintenance, "gc" | "scrub">;
  /** The operator: each node has its own moment in a period. */
  readonly self: Address;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between two collections; 0 for none. */
  readonly collectEveryMs: number;
  /** What was put or fetched this recently no collection takes. */
  readonly graceMs: number;
  /** Between the beginnings of two scans; 0 for none. */
  readonly scanEveryMs: number;
}

/** What was done last. Moments are in milliseconds since 1970, of the end. */
export interface MaintenanceState {
  /** Null before the first. `missing`: blocks that are needed and not here; where there is one, nothing was taken. */
  readonly lastCollect:
    | ({ readonly at: number; readonly bytes: number; readonly missing: number } & Pick<
        GcResult,
        "kept" | "spared" | "taken"
      >)
    | null;
  /** Null before the first. `missing`: blocks that are needed and that nobody had. */
  readonly lastScan:
    | ({ readonly at: number; readonly checked: number; readonly missing: number } & Pick<
        ScrubResult,
        "bytes" | "bad" | "healed"
      >)
    | null;
  /** What failed, until it has succeeded again; it is tried again. */
  readonly failing: readonly { readonly what: "collect" | "scan"; readonly at: number; readonly reason: string }[];
}

interface Task {
  readonly what: "collect" | "scan";
  readonly everyMs: number;
  readonly work: (signal: AbortSignal) => Promise<void>;
  dueAt: number;
  /** In a row. */
  failures: number;
}

/**
 * Looks after the blocks of a running node: collects what nothing keeps, and reads and checks every block, slowly, fetching
 * again what is bad. The two are never done at once: a collection that is due goes between two stretches of a scan.
 */
export class Maintenance {
  readonly #parameters: MaintenanceParameters;
  readonly #tasks: readonly Task[];
  readonly #failing = new Map<Task["what"], MaintenanceState["failing"][number]>();
  #lastCollect: MaintenanceState["lastCollect"] = null;
  #lastScan: MaintenanceState["lastScan"] = null;

  constructor(parameters: MaintenanceParameters) {
    const { clock, collectEveryMs, scanEveryMs, self } = parameters;
    this.#parameters = parameters;
    const task = (what: Task["what"], everyMs: number, work: Task["work"]): Task[] =>
      everyMs === 0 ? [] : [{ what, everyMs, work, failures: 0, dueAt: nextSlot(clock.now(), everyMs, what, self) }];
    this.#tasks = [
      ...task("collect", collectEveryMs, (signal) => this.#collect(signal)),
      ...task("scan", scanEveryMs, (signal) => this.#scan(signal)),
    ];
  }

  get state(): MaintenanceState {
    return { lastCollect: this.#lastCollect, lastScan: this.#lastScan, failing: [...this.#failing.values()] };
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

  async #collect(signal: AbortSignal): Promise<void> {
    const { clock, graceMs, logger, store } = this.#parameters;
    const { kept, spared, taken, takenBytes: bytes, missing } = await store.gc({ graceMs, signal });
    this.#lastCollect = { at: clock.now(), kept, spared, taken, bytes, missing: missing.length };
    if (missing.length > 0) logger.warn("nothing was collected: blocks that are needed are not here", { missing });
    else logger.info("collected", { taken, bytes });
  }

  async #scan(signal: AbortSignal): Promise<void> {
    const { clock, logger, store } = this.#parameters;
    const { blocks: checked, bytes, bad, healed, lost } = await store.scrub({ signal, pause: this.#pace(signal) });
    this.#lastScan = { at: clock.now(), checked, bytes, bad, healed, missing: lost.length };
    if (lost.length > 0) logger.error("blocks that are needed are lost", { lost: lost.slice(0, 8), of: lost.length });
    else logger.info("scanned", { checked, bad, healed });
  }

  /** Where a scan rests, and lets a collection that is due go first. */
  #pace(signal: AbortSignal): () => Promise<void> {
    const { clock } = this.#parameters;
    const collecting = this.#tasks.find(({ what }) => what === "collect");
    let since = clock.now();
    return async () => {
      const worked = clock.now() - since;
      if (worked < STRETCH_MS) return;
      if (collecting !== undefined && collecting.dueAt <= clock.now()) await this.#perform(collecting, signal);
      await clock.sleep(Math.min(MAX_REST_MS, worked * (1 / SCAN_SHARE - 1)), signal);
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
