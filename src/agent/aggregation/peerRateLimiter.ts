/** A council of 500 can send all its ballots through one peer at once, several times over. */
const BURST = 4_096;
const PER_SECOND = 512;
/** Bad ballots that a peer may send before it is muted: honest peers relay none, but may not yet know of a removal. */
const STRIKES = 16;
const FORGIVEN_MS = 10_000;
export const MUTED_MS = 60_000;
/** More than a node has neighbours; whoever comes and goes under new names pushes out the oldest. */
const MAX_PEERS = 1_024;

interface Account {
  tokens: number;
  strikes: number;
  at: number;
  mutedUntil: number;
}

/** How much each neighbour may send, and what becomes of one that sends what is bad. */
export class PeerRateLimiter {
  readonly #now: () => number;
  readonly #peers = new Map<string, Account>();

  /** @param now Milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether another message of this peer is looked at. */
  allows(peer: string): boolean {
    const account = this.#account(peer);
    if (account.mutedUntil > this.#now() || account.tokens < 1) return false;
    account.tokens -= 1;
    return true;
  }

  /** The peer has sent what no honest peer relays. Whether it is muted for that now. */
  strike(peer: string): boolean {
    const account = this.#account(peer);
    account.strikes += 1;
    if (account.strikes < STRIKES) return false;
    account.strikes = 0;
    account.mutedUntil = this.#now() + MUTED_MS;
    return true;
  }

  #account(peer: string): Account {
    const now = this.#now();
    const known = this.#peers.get(peer);
    const account = known ?? { tokens: BURST, strikes: 0, at: now, mutedUntil: 0 };
    const passed = now - account.at;
    account.tokens = Math.min(BURST, account.tokens + (passed / 1_000) * PER_SECOND);
    account.strikes = Math.max(0, account.strikes - passed / FORGIVEN_MS);
    account.at = now;
    if (known === undefined) {
      for (const oldest of this.#peers.keys()) {
        if (this.#peers.size < MAX_PEERS) break;
        this.#peers.delete(oldest);
      }
      this.#peers.set(peer, account);
    }
    return account;
  }
}
