import { createHash } from "node:crypto";
import { messageOf } from "../../errors.js";
import type { ContentMaintenance, GcResult, ScrubResult } from "../../ports/content/index.js";
import type { Address } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { repeat } from "../../utils/timing/repeat.js";
import { retryDelay } from "../../utils/timing/retryDelay.js";

/** How long a scrub works before it pauses, so that other work gets the machine. */
const STRETCH_MS = 20;
/** The share of the time that a scrub works; it pauses for the rest. */
const SCRUB_SHARE = 0.1;
/** The longest pause: a scrub that worked for long was mostly waiting for peers. */
const MAX_REST_MS = 1_000;
const FIRST_RETRY_MS = 60_000;

type MaintenanceKind = "gc" | "scrub";

export interface MaintenanceParameters {
  readonly store: Pick<ContentMaintenance, "gc" | "scrub">;
  /** This node's account, from which its moment in each period is derived. */
  readonly self: Address;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between two garbage collections, in milliseconds; 0 for none. */
  readonly gcEveryMs: number;
  /** A block that was put or fetched more recently than this, in milliseconds, is not deleted. */
  readonly graceMs: number;
  /** Between the starts of two scrubs, in milliseconds; 0 for none. */
  readonly scrubEveryMs: number;
}

/** The last garbage collection and the last scrub. Times are those of their end, in milliseconds since 1970. */
export interface MaintenanceState {
  /** Null before the first. `missing`: pinned blocks that are not here; if there are any, nothing was deleted. */
  readonly lastGc:
    | ({ readonly at: number; readonly bytes: number; readonly missing: number } & Pick<
        GcResult,
        "kept" | "spared" | "removed"
      >)
    | null;
  /** Null before the first. `missing`: pinned blocks that no peer had. */
  readonly lastScrub:
    | ({ readonly at: number; readonly checked: number; readonly missing: number } & Pick<
        ScrubResult,
        "bytes" | "bad" | "healed"
      >)
    | null;
  /** What failed and has not succeeded since; it is tried again. */
  readonly failing: readonly { readonly what: MaintenanceKind; readonly at: number; readonly reason: string }[];
}

interface MaintenanceJob {
  readonly what: MaintenanceKind;
  readonly everyMs: number;
  readonly work: (signal: AbortSignal) => Promise<void>;
  /** In milliseconds of monotonic time. */
  dueAt: number;
  /** Failures since the last success. */
  failures: number;
}

/**
 * Maintains the blocks of a running node: garbage collection deletes those that nothing pins, and a slow scrub reads and
 * checks every block and fetches bad ones again. The two never run at once: a collection that is due runs in a pause of the
 * scrub.
 */
export class Maintenance {
  readonly #parameters: MaintenanceParameters;
  readonly #jobs: readonly MaintenanceJob[];
  readonly #failing = new Map<MaintenanceKind, MaintenanceState["failing"][number]>();
  #lastGc: MaintenanceState["lastGc"] = null;
  #lastScrub: MaintenanceState["lastScrub"] = null;

  constructor(parameters: MaintenanceParameters) {
    const { gcEveryMs, scrubEveryMs } = parameters;
    this.#parameters = parameters;
    const job = (what: MaintenanceKind, everyMs: number, work: MaintenanceJob["work"]): MaintenanceJob[] =>
      everyMs === 0 ? [] : [{ what, everyMs, work, failures: 0, dueAt: this.#nextSlot(what, everyMs) }];
    this.#jobs = [
      ...job("gc", gcEveryMs, (signal) => this.#gc(signal)),
      ...job("scrub", scrubEveryMs, (signal) => this.#scrub(signal)),
    ];
  }

  get state(): MaintenanceState {
    return { lastGc: this.#lastGc, lastScrub: this.#lastScrub, failing: [...this.#failing.values()] };
  }

  /** Runs the jobs until the signal aborts. Resolves once the job that was under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const [first, ...others] = this.#jobs;
    if (first === undefined) return;
    const { clock, logger } = this.#parameters;
    const next = () => others.reduce((sooner, job) => (job.dueAt < sooner.dueAt ? job : sooner), first);
    await repeat({
      clock,
      everyMs: () => next().dueAt - clock.monotonic(),
      signal,
      onError: (error) => logger.error("maintenance of the store failed", { reason: messageOf(error) }),
      work: async () => {
        const job = next();
        if (job.dueAt <= clock.monotonic()) await this.#perform(job, signal);
      },
    });
  }

  async #perform(job: MaintenanceJob, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parameters;
    const { everyMs, what, work } = job;
    try {
      await work(signal);
      this.#failing.delete(what);
      job.failures = 0;
      job.dueAt = this.#nextSlot(what, everyMs);
    } catch (error) {
      if (signal.aborted) return;
      job.failures += 1;
      job.dueAt = clock.monotonic() + retryDelay(job.failures, Math.min(FIRST_RETRY_MS, everyMs), everyMs);
      const reason = messageOf(error);
      this.#failing.set(what, { what, at: clock.now(), reason });
      logger.error("maintenance of the store failed, and is tried again", { what, reason });
    }
  }

  /** The next slot by the wall clock, in monotonic time: a step of the wall clock neither brings it forward nor puts it off. */
  #nextSlot(what: MaintenanceKind, everyMs: number): number {
    const { clock, self } = this.#parameters;
    const now = clock.now();
    return clock.monotonic() + nextSlot(now, everyMs, what, self) - now;
  }

  async #gc(signal: AbortSignal): Promise<void> {
    const { clock, graceMs, logger, store } = this.#parameters;
    const {
      kept,
      spared,
      removed,
      removedBytes: bytes,
      missing,
    } = await store.gc({ graceMs, whileOpen: true, signal });
    this.#lastGc = { at: clock.now(), kept, spared, removed, bytes, missing: missing.length };
    if (missing.length > 0) logger.warn("nothing was deleted: pinned blocks are missing", { missing });
    else logger.info("collected garbage", { removed, bytes });
  }

  async #scrub(signal: AbortSignal): Promise<void> {
    const { clock, logger, store } = this.#parameters;
    const { blocks: checked, bytes, bad, healed, lost } = await store.scrub({ signal, pause: this.#pace(signal) });
    this.#lastScrub = { at: clock.now(), checked, bytes, bad, healed, missing: lost.length };
    if (lost.length > 0)
      logger.error("pinned blocks are lost: no peer has them", { lost: lost.slice(0, 8), of: lost.length });
    else logger.info("scrubbed", { checked, bad, healed });
  }

  /** Pauses a scrub that has worked long enough, and first runs a collection that is due. */
  #pace(signal: AbortSignal): () => Promise<void> {
    const { clock } = this.#parameters;
    const gc = this.#jobs.find(({ what }) => what === "gc");
    let startedAt = clock.monotonic();
    return async () => {
      const workedMs = clock.monotonic() - startedAt;
      if (workedMs < STRETCH_MS) return;
      if (gc !== undefined && gc.dueAt <= clock.monotonic()) await this.#perform(gc, signal);
      await clock.sleep(Math.min(MAX_REST_MS, workedMs * (1 / SCRUB_SHARE - 1)), signal);
      startedAt = clock.monotonic();
    };
  }
}

/**
 * The next wall time at which this node does a job: at the same offset in every period, whenever the node was started.
 * Nodes have different offsets, so that they do not all work at once.
 */
export function nextSlot(now: number, everyMs: number, what: string, self: Address): number {
  const place = createHash("sha256").update(`${what} ${self.toLowerCase()}`).digest().readUInt32BE(0) / 2 ** 32;
  const first = Math.floor(place * everyMs);
  return (Math.floor((now - first) / everyMs) + 1) * everyMs + first;
}
