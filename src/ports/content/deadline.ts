import { InvalidInputError } from "../../errors.js";
import type { ContentError } from "./content.js";

/** The longest wait that a timer can hold, about 24 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export interface DeadlineParameters {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What is thrown when the time is over. */
  readonly late: () => ContentError;
}

/**
 * Runs `work` until it settles, the deadline passes or the caller aborts, whichever comes first, even where `work`
 * ignores its signal. That signal aborts in every case at the end, so that nothing goes on behind the caller's back.
 *
 * @throws what `work` throws, `late()`, or the reason of the caller's signal.
 */
export async function within<T>(
  { timeoutMs, signal, late }: DeadlineParameters,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw new InvalidInputError(`A timeout is between 1 and ${MAX_TIMEOUT_MS} ms, not ${timeoutMs}`);
  }
  signal?.throwIfAborted();
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort = () => {};
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), timeoutMs);
    abort = () => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([work(controller.signal), limit]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    controller.abort();
  }
}
