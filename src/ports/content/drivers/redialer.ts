import type { Multiaddr } from "@multiformats/multiaddr";
import type { Clock } from "../../../utils/clock.js";
import { retryDelay } from "../../../utils/timing/retryDelay.js";

export interface RedialerDependencies {
  /** Connects; resolves at once if a connection is there. */
  readonly dial: (address: Multiaddr, signal: AbortSignal) => Promise<void>;
  readonly isConnected: (address: Multiaddr) => boolean;
  /** Called with the error of every dial that failed. */
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
}

export interface Redialer {
  /** Stays connected to a peer from now on. Adding an address again changes nothing. */
  add(address: Multiaddr): void;
  /** Ends all dialling; resolves when no dial runs. */
  close(): Promise<void>;
}

/** Dials are spaced: a burst from one host is reset. */
const DIAL_SPACING_MS = 50;
const FIRST_RETRY_MS = 250;
/** A peer that comes back is connected within this, however long it was away. */
const MAX_RETRY_MS = 15_000;
/** How often connections are checked. */
const WATCH_MS = 500;

interface DialTarget {
  readonly address: Multiaddr;
  /** Monotonic, in milliseconds. */
  due: number;
  /** Failed dials in a row. */
  failures: number;
}

/** Keeps connections to given peers: dials them one by one with spacing, and again with back-off when they are gone. */
export function createRedialer({ dial, isConnected, onError, clock }: RedialerDependencies): Redialer {
  const targets = new Map<string, DialTarget>();
  const closing = new AbortController();
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      for (const target of targets.values()) {
        if (isConnected(target.address)) target.failures = 0;
        else if (target.due <= clock.monotonic()) await redial(target);
        if (closing.signal.aborted) return;
      }
      await pause(WATCH_MS);
    }
  }

  async function redial(target: DialTarget): Promise<void> {
    try {
      await dial(target.address, closing.signal);
    } catch (error) {
      if (closing.signal.aborted) return;
      onError(error);
      target.failures += 1;
      target.due = clock.monotonic() + retryDelay(target.failures, FIRST_RETRY_MS, MAX_RETRY_MS);
    }
    await pause(DIAL_SPACING_MS);
  }

  async function pause(milliseconds: number): Promise<void> {
    await clock.sleep(milliseconds, closing.signal).catch((reason: unknown) => {
      if (!closing.signal.aborted) throw reason;
    });
  }

  return {
    add(address) {
      if (closing.signal.aborted || targets.has(address.toString())) return;
      targets.set(address.toString(), { address, due: 0, failures: 0 });
      running ??= run();
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}
