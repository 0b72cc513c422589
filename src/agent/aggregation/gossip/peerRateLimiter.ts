import type { Clock } from "../../../utils/clock.js";
import { createLruCache } from "../../../utils/lruCache.js";
import { TokenBuckets } from "../../../utils/timing/tokenBuckets.js";

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

/** What is held against a peer. Times are monotonic milliseconds. */
interface PeerAccount {
  strikes: number;
  at: number;
  mutedUntil: number;
}

/** Bounds how much each neighbour may send, and mutes one that sends too much that is bad. */
export class PeerRateLimiter {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #peers = createLruCache<string, PeerAccount>(MAX_PEERS);
  readonly #buckets: TokenBuckets;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
    this.#buckets = new TokenBuckets({ clock, burst: BURST, perSecond: PER_SECOND, maxKeys: MAX_PEERS });
  }

  /** Whether another message of this peer is to be validated. */
  allows(peer: string): boolean {
    const account = this.#account(peer);
    return account.mutedUntil <= account.at && this.#buckets.take(peer);
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
    const account = known ?? { strikes: 0, at: now, mutedUntil: now };
    const passed = now - account.at;
    account.strikes = Math.max(0, account.strikes - passed / FORGIVEN_MS);
    account.at = now;
    if (known === undefined) this.#peers.set(peer, account);
    return account;
  }
}
