import type { Clock } from "../../../utils/clock.js";
import { createLruCache } from "../../../utils/lruCache.js";

/** A committee of 500 can send all its signatures through one peer at once, several times over. */
const BURST = 4_096;
const PER_SECOND = 512;
/** Bad messages before a peer is muted: honest peers relay none, but may not yet know that a node was removed. */
const STRIKES = 16;
/** One strike is forgiven after each of these intervals. */
const FORGIVEN_MS = 10_000;
export const MUTED_MS = 60_000;
/** More than a node has neighbours; a peer that returns under new names evicts the one that was heard longest ago. */
const MAX_PEERS = 1_024;

/** A token bucket, and what is held against the peer. Times are monotonic milliseconds. */
interface PeerAccount {
  tokens: number;
  strikes: number;
  at: number;
  mutedUntil: number;
}

/** Bounds how much each neighbour may send, and mutes one that sends too much that is bad. */
export class PeerRateLimiter {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #peers = createLruCache<string, PeerAccount>(MAX_PEERS);

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Whether another message of this peer is to be validated. */
  allows(peer: string): boolean {
    const account = this.#account(peer);
    if (account.mutedUntil > account.at || account.tokens < 1) return false;
    account.tokens -= 1;
    return true;
  }

  /** Counts a message that no honest peer relays. Returns whether the peer is muted now. */
  strike(peer: string): boolean {
    const account = this.#account(peer);
    account.strikes += 1;
    if (account.strikes < STRIKES) return false;
    account.strikes = 0;
    account.mutedUntil = account.at + MUTED_MS;
    return true;
  }

  #account(peer: string): PeerAccount {
    const now = this.#clock.monotonic();
    const known = this.#peers.get(peer);
    const account = known ?? { tokens: BURST, strikes: 0, at: now, mutedUntil: now };
    const passed = now - account.at;
    account.tokens = Math.min(BURST, account.tokens + (passed / 1_000) * PER_SECOND);
    account.strikes = Math.max(0, account.strikes - passed / FORGIVEN_MS);
    account.at = now;
    if (known === undefined) this.#peers.set(peer, account);
    return account;
  }
}
