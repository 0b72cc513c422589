import type { CID } from "multiformats/cid";

export interface InflightFetches {
  /** Waits for the block's fetch, starting it where none runs. `signal` ends the wait, and the fetch with its last waiter. */
  join(cid: CID, providers: readonly string[], signal: AbortSignal): Promise<Uint8Array>;
  /** Ends every fetch, and starts no more: who waits or joins rejects with `reason`. Resolves when none runs any more. */
  cancel(reason: Error): Promise<void>;
}

interface Flight {
  readonly bytes: Promise<Uint8Array>;
  readonly controller: AbortController;
  waiting: number;
}

/** One fetch a block, shared by all who want it at the same time. */
export function createInflightFetches(
  fetch: (cid: CID, providers: readonly string[], signal: AbortSignal) => Promise<Uint8Array>,
): InflightFetches {
  const flights = new Map<string, Flight>();
  let cancelled: Error | undefined;

  function start(key: string, cid: CID, providers: readonly string[]): Flight {
    const controller = new AbortController();
    const bytes = fetch(cid, providers, controller.signal).finally(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    const flight: Flight = { bytes, controller, waiting: 0 };
    flights.set(key, flight);
    return flight;
  }

  return {
    async join(cid, providers, signal) {
      signal.throwIfAborted();
      if (cancelled !== undefined) throw cancelled;
      const key = cid.toString();
      const flight = flights.get(key) ?? start(key, cid, providers);
      flight.waiting += 1;
      let leave = () => {};
      const left = new Promise<never>((_resolve, reject) => {
        leave = () => reject(signal.reason);
        signal.addEventListener("abort", leave, { once: true });
      });
      try {
        return await Promise.race([flight.bytes, left]);
      } finally {
        signal.removeEventListener("abort", leave);
        flight.waiting -= 1;
        if (flight.waiting === 0) {
          // Gone at once: whoever asks next must not join a fetch that is ending.
          if (flights.get(key) === flight) flights.delete(key);
          flight.controller.abort();
        }
      }
    },
    async cancel(reason) {
      cancelled = reason;
      const running = [...flights.values()];
      for (const { controller } of running) controller.abort(reason);
      await Promise.allSettled(running.map(({ bytes }) => bytes));
    },
  };
}
