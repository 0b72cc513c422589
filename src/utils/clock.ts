/**
 * The only source of time. People and other nodes read wall time; every interval, timeout, back-off and rate limit is
 * monotonic, so that a wall clock that jumps neither delays nor hastens anything. Tests inject a clock that they step.
 */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. It may jump forward and back. */
  now(): number;
  /** Milliseconds since an arbitrary moment. Never goes back, and does not follow the wall clock. */
  monotonic(): number;
  /** Resolves after `milliseconds` of monotonic time, or rejects with the signal's reason as soon as it aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Calls `work` once after `milliseconds` of monotonic time. The returned function cancels it. */
  after(milliseconds: number, work: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(milliseconds, signal) {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, milliseconds);
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  },
  after(milliseconds, work) {
    const timer = setTimeout(work, milliseconds);
    return () => clearTimeout(timer);
  },
};
