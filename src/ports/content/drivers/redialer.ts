import type { Multiaddr } from "@multiformats/multiaddr";
import { systemClock } from "../../../utils/clock.js";

export interface RedialerParameters {
  /** Connects, or resolves at once where a connection is there. */
  readonly dial: (address: Multiaddr, signal: AbortSignal) => Promise<void>;
  readonly isConnected: (address: Multiaddr) => boolean;
  /** Told of every dial that failed. */
  readonly onError: (error: unknown) => void;
}

export interface Redialer {
  /** Stays connected to a peer from now on. Twice the same address is once. */
  keep(address: Multiaddr): void;
  /** Ends all dialling; resolves when nothing runs any more. */
  close(): Promise<void>;
}

/** Dials are spaced: a burst from one host is reset. */
const DIAL_SPACING_MS = 50;
const FIRST_RETRY_MS = 250;
/** A peer that has been away for an hour is back within this. */
const MAX_RETRY_MS = 15_000;
/** How often a connection that is there is looked at. */
const WATCH_MS = 500;

interface Kept {
  readonly address: Multiaddr;
  due: number;
  retryMs: number;
}

/** Keeps connections to given peers: dials them one by one with spacing, and again with back-off when they are gone. */
export function createRedialer({ dial, isConnected, onError }: RedialerParameters): Redialer {
  const kept = new Map<string, Kept>();
  const closing = new AbortController();
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      for (const peer of kept.values()) {
        if (isConnected(peer.address)) peer.retryMs = FIRST_RETRY_MS;
        else if (peer.due <= performance.now()) await redial(peer);
        if (closing.signal.aborted) return;
      }
      await pause(WATCH_MS);
    }
  }

  async function redial(peer: Kept): Promise<void> {
    try {
      await dial(peer.address, closing.signal);
    } catch (error) {
      if (closing.signal.aborted) return;
      onError(error);
      peer.due = performance.now() + peer.retryMs;
      peer.retryMs = Math.min(2 * peer.retryMs, MAX_RETRY_MS);
    }
    await pause(DIAL_SPACING_MS);
  }

  async function pause(milliseconds: number): Promise<void> {
    await systemClock.sleep(milliseconds, closing.signal).catch((reason: unknown) => {
      if (!closing.signal.aborted) throw reason;
    });
  }

  return {
    keep(address) {
      if (closing.signal.aborted || kept.has(address.toString())) return;
      kept.set(address.toString(), { address, due: 0, retryMs: FIRST_RETRY_MS });
      running ??= run();
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}
