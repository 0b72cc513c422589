import type { Clock } from "../../src/utils/clock.js";

/**
 * A clock on which nothing takes time but sleeps and timers, and these end only while {@link pass} runs: minutes of a whole
 * mesh take no longer than their work.
 */
export class VirtualClock implements Clock {
  readonly #work = new Map<number, Set<() => void>>();
  /** The moments at which there is work, the last one first. */
  readonly #moments: number[] = [];
  #time = 0;
  #stepped = 0;

  now(): number {
    return this.#time + this.#stepped;
  }

  monotonic(): number {
    return this.#time;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.after(milliseconds, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  after(milliseconds: number, work: () => void): () => void {
    const moment = this.#time + Math.max(1, Math.round(milliseconds));
    const all = this.#work.get(moment) ?? new Set();
    // The same function may be called for twice.
    const own = () => work();
    all.add(own);
    if (!this.#work.has(moment)) {
      this.#work.set(moment, all);
      this.#insert(moment);
    }
    return () => all.delete(own);
  }

  /** Somebody sets the wall clock, forth or back, in milliseconds; no time passes. */
  stepWall(milliseconds: number): void {
    this.#stepped += milliseconds;
  }

  /** Time passes, in milliseconds; what is due is done in its order, with all that follows from it at once. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#time + milliseconds;
    await settle();
    for (let next = this.#moments.at(-1); next !== undefined && next <= end; next = this.#moments.at(-1)) {
      this.#moments.pop();
      this.#time = next;
      const work = this.#work.get(next) ?? [];
      this.#work.delete(next);
      for (const each of work) each();
      await settle();
    }
    this.#time = end;
  }

  #insert(moment: number): void {
    let at = this.#moments.length;
    while (at > 0 && (this.#moments[at - 1] as number) < moment) at--;
    this.#moments.splice(at, 0, moment);
  }
}

/** Lets all promises go on that can. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
