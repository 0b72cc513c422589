import { messageOf } from "../../errors.js";
import type { Gossip } from "../../ports/gossip/index.js";
import type { Logger } from "../../utils/logger.js";

/** What does not count yet is sent again after this: whoever missed it, such as in a partition, gets it then. */
const SEND_AGAIN_MS = 10_000;
/** Whoever hears nobody for this long goes to the chain directly. */
const ALONE_MS = 5_000;

export interface RebroadcastParameters {
  readonly gossip: Pick<Gossip, "publish">;
  readonly topic: string;
  readonly bytes: Uint8Array;
  /** Milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** A message of our own that is sent until it has reached the chain. */
export class Rebroadcast {
  readonly #parameters: RebroadcastParameters;
  readonly #since: number;
  #sentAt = Number.NEGATIVE_INFINITY;
  #recipients = 0;

  constructor(parameters: RebroadcastParameters) {
    this.#parameters = parameters;
    this.#since = parameters.now();
  }

  /** How many peers it went to from here the last time. */
  get recipients(): number {
    return this.#recipients;
  }

  /** Whether no peer has taken it for a while. */
  get isAlone(): boolean {
    return this.#recipients === 0 && this.#parameters.now() - this.#since >= ALONE_MS;
  }

  /** Sends it where nobody has it, and now and then where somebody has. */
  async send(): Promise<void> {
    const { bytes, gossip, logger, now, topic } = this.#parameters;
    if (this.#recipients > 0 && now() - this.#sentAt < SEND_AGAIN_MS) return;
    this.#sentAt = now();
    try {
      this.#recipients = await gossip.publish(topic, bytes);
    } catch (error) {
      this.#recipients = 0;
      logger.debug("a message could not be sent", { topic, reason: messageOf(error) });
    }
  }
}
