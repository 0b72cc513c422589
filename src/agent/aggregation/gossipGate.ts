import type { ValidationResult } from "../../ports/gossip/index.js";
import { PeerRateLimiter } from "./peerRateLimiter.js";

/** What is known is relayed again after this: whoever missed it the first time gets it then. */
const RELAY_AGAIN_MS = 5_000;

export interface GossipGateParameters<Reason extends string> {
  /** All that can become of a message. */
  readonly reasons: readonly Reason[];
  /** Milliseconds. */
  readonly now: () => number;
  /** Told of a peer that sent too much that is bad: what it sends is not looked at for a while, so it had better go. */
  readonly onAbuse: (peer: string) => void;
}

/** Counts what becomes of the messages of a topic, bounds what each peer may send, and holds what is bad against it. */
export class GossipGate<Reason extends string> {
  /** How many messages came to what end. */
  readonly counts: Record<Reason, number>;
  readonly #parameters: GossipGateParameters<Reason>;
  readonly #limits: PeerRateLimiter;
  readonly #relayed = new Map<string, number>();

  constructor(parameters: GossipGateParameters<Reason>) {
    this.#parameters = parameters;
    this.#limits = new PeerRateLimiter(parameters.now);
    this.counts = Object.fromEntries(parameters.reasons.map((reason) => [reason, 0])) as Record<Reason, number>;
  }

  /** Whether another message of this peer is looked at. */
  allows(peer: string): boolean {
    return this.#limits.allows(peer);
  }

  /** The message goes on to others, for the first time. */
  accept(why: Reason, key: string): ValidationResult {
    this.counts[why] += 1;
    this.#relayed.set(key, this.#parameters.now());
    return "accept";
  }

  ignore(why: Reason): ValidationResult {
    this.counts[why] += 1;
    return "ignore";
  }

  /** The message is held against the peer that it came from; nobody where it comes from our own disk. */
  reject(why: Reason, peer: string | undefined): ValidationResult {
    this.counts[why] += 1;
    if (peer !== undefined && this.#limits.strike(peer)) this.#parameters.onAbuse(peer);
    return "reject";
  }

  /** A message that is known, down to its bytes, may go on to others again, now and then. */
  again(why: Reason, key: string): ValidationResult {
    const since = this.#parameters.now() - (this.#relayed.get(key) ?? 0);
    return since < RELAY_AGAIN_MS ? this.ignore(why) : this.accept(why, key);
  }

  /** Forgets when messages were relayed whose keys begin so. */
  forget(prefix: string): void {
    for (const key of this.#relayed.keys()) if (key.startsWith(prefix)) this.#relayed.delete(key);
  }
}
