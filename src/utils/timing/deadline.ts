import { raceSignal } from "race-signal";
import { InvalidInputError } from "../../errors.js";
import { type Clock, systemClock } from "../clock.js";

/** The longest wait that a timer can hold, about 24 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export interface DeadlineParameters {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What is thrown when the time is over. */
  readonly late: () => Error;
  readonly clock?: Pick<Clock, "after">;
}

/**
 * Runs `work` until it settles, the deadline passes or the caller aborts, whichever comes first, even if `work` ignores its
 * signal. That signal aborts in every case at the end, so that no part of `work` goes on.
 *
 * @throws what `work` throws, `late()`, or the reason of the caller's signal.
 */
export async function within<T>(
  { timeoutMs, signal, late, clock = systemClock }: DeadlineParameters,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw new InvalidInputError(`A timeout is between 1 and ${MAX_TIMEOUT_MS} ms, not ${timeoutMs}`);
  }
  signal?.throwIfAborted();
  const ending = new AbortController();
  // Not AbortSignal.timeout: its timer cannot be cleared, and thousands of fetches a second would each leave one behind.
  const cancel = clock.after(timeoutMs, () => ending.abort(late()));
  const abort = () => ending.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await raceSignal(work(ending.signal), ending.signal);
  } finally {
    cancel();
    signal?.removeEventListener("abort", abort);
    ending.abort();
  }
}
