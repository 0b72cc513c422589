import type { Clock } from "../clock.js";

export interface RepeatParameters {
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /**
   * The pause after each run, in milliseconds of monotonic time. A function is called after each run with how long that
   * run took.
   */
  readonly everyMs: number | ((tookMs: number) => number);
  /** Ends the repetition. A run that is under way ends first: `work` listens to the signal itself if it takes long. */
  readonly signal: AbortSignal;
  /** Called with what a run throws; the next run follows all the same. Not called after the signal has aborted. */
  readonly onError: (error: unknown) => void;
  readonly work: () => Promise<unknown>;
}

/**
 * Runs `work` at once and then again and again until the signal aborts.
 *
 * @example
 * await repeat({ clock, everyMs: 5_000, signal, onError: (error) => logger.warn("no sync", { error }), work: sync });
 */
export async function repeat({ clock, everyMs, onError, signal, work }: RepeatParameters): Promise<void> {
  while (!signal.aborted) {
    const startedAt = clock.monotonic();
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    if (signal.aborted) return;
    const pauseMs = typeof everyMs === "number" ? everyMs : everyMs(clock.monotonic() - startedAt);
    try {
      await clock.sleep(Math.max(0, pauseMs), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
