import type { Gossip, ValidationResult } from "../../ports/gossip/index.js";
import type { Clock } from "../../utils/clock.js";
import type { PresenceParameters } from "./defaults.js";
import { decodePresence, encodePresence } from "./message.js";

/** A node's own timer runs a little fast or a message waits on its way: this share of the time between two is enough. */
const LEAST_PAUSE = 0.8;
/** A message that is older by the chain's time proves nothing: somebody else may send it again. */
const MAX_AGE_SECONDS = 60;

export interface PresenceWordsDependencies {
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  readonly topic: string;
  readonly clock: Pick<Clock, "monotonic">;
  readonly parameters: Pick<PresenceParameters, "hintMs">;
  /** The seat of a peer; undefined for a peer that is no member. */
  readonly seatOf: (peer: string) => number | undefined;
  /** The chain's time in seconds. */
  readonly chainTime: () => number;
  /** Called with each message that is taken: its author is there. */
  readonly onWord: (author: number, silent: readonly number[]) => void;
}

/** A `hint` names seats that are silent to its author, a `word` says that the author is there. */
export type WordKind = "hint" | "word";

/** How many messages of others were taken, and how many were ignored or rejected. */
export interface WordCounts {
  readonly hint: number;
  readonly word: number;
  readonly ignored: number;
  readonly rejected: number;
}

/** Hints and words of presence over gossip: at most one of each an author and minute is relayed or taken. */
export class PresenceWords {
  readonly #dependencies: PresenceWordsDependencies;
  /** When each author's last message of a kind came, and this node's own went; monotonic. */
  readonly #lastAt = { hint: new Map<number, number>(), word: new Map<number, number>() };
  readonly #sentAt = { hint: Number.NEGATIVE_INFINITY, word: Number.NEGATIVE_INFINITY };
  readonly #counts = { hint: 0, word: 0, ignored: 0, rejected: 0 };

  constructor(dependencies: PresenceWordsDependencies) {
    this.#dependencies = dependencies;
  }

  get counts(): WordCounts {
    return this.#counts;
  }

  /** Listens from now on. The returned function ends that. */
  listen(): () => void {
    const { gossip, topic } = this.#dependencies;
    return gossip.subscribe(topic, (bytes, from) => this.#take(bytes, from), {
      validate: (bytes, from) => this.#validate(bytes, from),
    });
  }

  /** Whether this node may say another of this kind now. */
  mayPublish(kind: WordKind): boolean {
    const { clock, parameters } = this.#dependencies;
    return clock.monotonic() - this.#sentAt[kind] >= parameters.hintMs;
  }

  /** Says which seats are silent, or with none that this node is there. It counts as said also if it fails. */
  async publish(silent: readonly number[]): Promise<void> {
    const { chainTime, clock, gossip, topic } = this.#dependencies;
    this.#sentAt[kindOf(silent)] = clock.monotonic();
    await gossip.publish(topic, encodePresence({ at: Math.floor(chainTime()), silent }));
  }

  #validate(bytes: Uint8Array, from: string): ValidationResult {
    const { clock, chainTime, parameters, seatOf } = this.#dependencies;
    const author = seatOf(from);
    if (author === undefined) return this.#ignore();
    const message = decodePresence(bytes);
    if (message === undefined) {
      this.#counts.rejected += 1;
      return "reject";
    }
    const last = this.#lastAt[kindOf(message.silent)];
    const now = clock.monotonic();
    if (now - (last.get(author) ?? Number.NEGATIVE_INFINITY) < parameters.hintMs * LEAST_PAUSE) return this.#ignore();
    // One of the future could be repeated for as long.
    if (Math.abs(message.at - chainTime()) > MAX_AGE_SECONDS) return this.#ignore();
    last.set(author, now);
    return "accept";
  }

  #take(bytes: Uint8Array, from: string): void {
    const author = this.#dependencies.seatOf(from);
    const message = decodePresence(bytes);
    if (author === undefined || message === undefined) return;
    this.#counts[kindOf(message.silent)] += 1;
    this.#dependencies.onWord(author, message.silent);
  }

  #ignore(): ValidationResult {
    this.#counts.ignored += 1;
    return "ignore";
  }
}

function kindOf(silent: readonly number[]): WordKind {
  return silent.length > 0 ? "hint" : "word";
}
