import type { CID } from "multiformats/cid";
import { raceSignal } from "race-signal";

export interface InflightFetches {
  /** Waits for the block's fetch, and starts it if none runs. `signal` ends the wait; the last wait that ends ends the fetch. */
  join(cid: CID, providers: readonly string[], signal: AbortSignal): Promise<Uint8Array>;
  /** Ends every fetch, and starts no more: all waits, now and later, reject with `reason`. Resolves when no fetch runs. */
  cancel(reason: Error): Promise<void>;
}

interface SharedFetch {
  readonly bytes: Promise<Uint8Array>;
  readonly controller: AbortController;
  waiting: number;
}

/** One fetch a block, shared by all callers that want it at the same time. */
export function createInflightFetches(
  fetch: (cid: CID, providers: readonly string[], signal: AbortSignal) => Promise<Uint8Array>,
): InflightFetches {
  const fetches = new Map<string, SharedFetch>();
  let cancelled: Error | undefined;

  function start(key: string, cid: CID, providers: readonly string[]): SharedFetch {
    const controller = new AbortController();
    const bytes = fetch(cid, providers, controller.signal).finally(() => {
      if (fetches.get(key) === shared) fetches.delete(key);
    });
    const shared: SharedFetch = { bytes, controller, waiting: 0 };
    fetches.set(key, shared);
    return shared;
  }

  return {
    async join(cid, providers, signal) {
      signal.throwIfAborted();
      if (cancelled !== undefined) throw cancelled;
      const key = cid.toString();
      const shared = fetches.get(key) ?? start(key, cid, providers);
      shared.waiting += 1;
      try {
        return await raceSignal(shared.bytes, signal);
      } finally {
        shared.waiting -= 1;
        if (shared.waiting === 0) {
          // Deleted at once: the next caller must not join a fetch that is ending.
          if (fetches.get(key) === shared) fetches.delete(key);
          shared.controller.abort();
        }
      }
    },
    async cancel(reason) {
      cancelled = reason;
      const running = [...fetches.values()];
      for (const { controller } of running) controller.abort(reason);
      await Promise.allSettled(running.map(({ bytes }) => bytes));
    },
  };
}
