import type { ValidationResult } from "../../ports/gossip/index.js";
import type { Clock } from "../../utils/clock.js";
import { PeerRateLimiter } from "./peerRateLimiter.js";

/** A known message is relayed again after this, for peers that missed it the first time. */
const RELAY_AGAIN_MS = 5_000;

/** What can become of a message on every topic. */
export const GOSSIP_REASONS = [
  "accepted",
  "known",
  "malformed",
  "notMembers",
  "badSignatures",
  "notNow",
  "overLimit",
] as const;
export type GossipReason = (typeof GOSSIP_REASONS)[number];

export interface GossipGateDependencies<Reason extends string> {
  /** What can become of a message on this topic besides {@link GOSSIP_REASONS}. */
  readonly reasons?: readonly Reason[];
  readonly clock: Pick<Clock, "monotonic">;
  /** Called with a peer that sent too much that is bad. Its messages are ignored for a while, so it should be disconnected. */
  readonly onAbuse: (peer: string) => void;
}

/** Decides what becomes of a topic's messages: counts them, bounds what each peer may send, and strikes peers that send bad ones. */
export class GossipGate<Reason extends string = never> {
  /** How many messages ended for which reason. */
  readonly counts: Record<GossipReason | Reason, number>;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #onAbuse: (peer: string) => void;
  readonly #limits: PeerRateLimiter;
  /** When messages were last relayed, by key. */
  readonly #relayed = new Map<string, number>();

  constructor({ clock, onAbuse, reasons = [] }: GossipGateDependencies<Reason>) {
    this.#clock = clock;
    this.#onAbuse = onAbuse;
    this.#limits = new PeerRateLimiter(clock);
    const all = [...GOSSIP_REASONS, ...reasons].map((reason) => [reason, 0]);
    this.counts = Object.fromEntries(all) as Record<GossipReason | Reason, number>;
  }

  /** Whether another message of this peer is to be validated. */
  allows(peer: string): boolean {
    return this.#limits.allows(peer);
  }

  /** The message is new and goes on to others. */
  accept(reason: GossipReason | Reason, key: string): ValidationResult {
    this.counts[reason] += 1;
    this.#relayed.set(key, this.#clock.monotonic());
    return "accept";
  }

  ignore(reason: GossipReason | Reason): ValidationResult {
    this.counts[reason] += 1;
    return "ignore";
  }

  /** Strikes the peer that relayed the message; undefined if it comes from this node's disk. */
  reject(reason: GossipReason | Reason, peer: string | undefined): ValidationResult {
    this.counts[reason] += 1;
    if (peer !== undefined && this.#limits.strike(peer)) this.#onAbuse(peer);
    return "reject";
  }

  /** Refuses a message whose signature is bad (false), or could not be verified yet (undefined). */
  refuseSignature(good: false | undefined, peer: string | undefined): ValidationResult {
    return good === undefined ? this.ignore("overLimit") : this.reject("badSignatures", peer);
  }

  /** A known message goes on to others again, now and then, if it is the same byte by byte. */
  again(key: string, isSame: boolean): ValidationResult {
    const since = this.#clock.monotonic() - (this.#relayed.get(key) ?? Number.NEGATIVE_INFINITY);
    return isSame && since >= RELAY_AGAIN_MS ? this.accept("known", key) : this.ignore("known");
  }

  /** Forgets when messages were relayed whose keys begin so. */
  forget(prefix: string): void {
    for (const key of this.#relayed.keys()) if (key.startsWith(prefix)) this.#relayed.delete(key);
  }
}
