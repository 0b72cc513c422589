import { messageOf } from "../../errors.js";
import type { Gossip } from "../../ports/gossip/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";

/** A message that does not count yet is sent again after this, for peers that missed it, such as in a partition. */
const SEND_AGAIN_MS = 10_000;
/** A node that no peer has heard for this long goes to the chain directly. */
const ALONE_MS = 5_000;

export interface RebroadcastDependencies {
  readonly gossip: Pick<Gossip, "publish">;
  readonly topic: string;
  readonly clock: Pick<Clock, "monotonic">;
  readonly logger: Logger;
}

/** One of this node's own messages, sent until it has reached the chain. */
export class Rebroadcast {
  readonly #dependencies: RebroadcastDependencies;
  readonly #bytes: Uint8Array;
  readonly #since: number;
  #sentAt = Number.NEGATIVE_INFINITY;
  #recipients = 0;

  constructor(dependencies: RebroadcastDependencies, bytes: Uint8Array) {
    this.#dependencies = dependencies;
    this.#bytes = bytes;
    this.#since = dependencies.clock.monotonic();
  }

  /** How many peers it was sent to the last time. */
  get recipients(): number {
    return this.#recipients;
  }

  /** Whether no peer has received it for a while. */
  get isAlone(): boolean {
    return this.#recipients === 0 && this.#dependencies.clock.monotonic() - this.#since >= ALONE_MS;
  }

  /** Sends it if no peer has it, and otherwise now and then. */
  async send(): Promise<void> {
    const { clock, gossip, logger, topic } = this.#dependencies;
    if (this.#recipients > 0 && clock.monotonic() - this.#sentAt < SEND_AGAIN_MS) return;
    this.#sentAt = clock.monotonic();
    try {
      this.#recipients = await gossip.publish(topic, this.#bytes);
    } catch (error) {
      this.#recipients = 0;
      logger.debug("a message could not be sent", { topic, reason: messageOf(error) });
    }
  }
}
