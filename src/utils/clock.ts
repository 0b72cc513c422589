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

/** The longest time of a timer, 24.8 days: Node ends one for longer after 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(milliseconds, signal) {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const cancel = systemClock.after(milliseconds, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      const abort = () => {
        cancel();
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  },
  after(milliseconds, work) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number) => {
      const stepMs = Math.min(leftMs, MAX_TIMER_MS);
      timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : work()), stepMs);
    };
    wait(milliseconds);
    return () => clearTimeout(timer);
  },
};
