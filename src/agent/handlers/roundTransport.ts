import { messageOf } from "../../errors.js";
import type { Gossip } from "../../ports/gossip/index.js";
import { type EnvelopeContext, openEnvelope } from "../../ports/keys/envelope.js";
import type { Address } from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";

/** Messages kept for a slow reader. Beyond that the oldest are dropped: their senders repeat every message of a round. */
const MAX_QUEUED_MESSAGES = 1_000;

export interface ReceivedMessage<Message> {
  readonly from: Address;
  readonly message: Message;
}

export interface RoundTransportDependencies {
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  readonly context: EnvelopeContext;
  /** Signs a message with this node's account key. */
  readonly seal: (context: EnvelopeContext, body: string) => Promise<Uint8Array>;
  readonly isMember: (account: Address) => Promise<boolean>;
  readonly logger: Logger;
}

/**
 * The messages of federated rounds over gossip: signed by their author, refused if the author is not a member, and
 * delivered to every reader of this node too, so that a coordinator hears its own participant.
 */
export class RoundTransport<Message> {
  readonly #dependencies: RoundTransportDependencies;
  readonly #readers = new Set<(received: ReceivedMessage<Message>) => void>();
  #unsubscribe: (() => void | Promise<void>) | undefined;

  constructor(dependencies: RoundTransportDependencies) {
    this.#dependencies = dependencies;
  }

  async start(): Promise<void> {
    const { gossip, context } = this.#dependencies;
    this.#unsubscribe = await gossip.subscribe(context.topic, (bytes) => this.#receive(bytes));
  }

  async stop(): Promise<void> {
    await this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** Signs a message and sends it to all nodes, this one included. */
  async publish(message: Message): Promise<void> {
    const { gossip, context, seal } = this.#dependencies;
    const bytes = await seal(context, JSON.stringify(message));
    await this.#receive(bytes);
    await gossip.publish(context.topic, bytes);
  }

  /** The messages from now on, until `signal` aborts. */
  async *messages(signal: AbortSignal): AsyncGenerator<ReceivedMessage<Message>> {
    const queue: ReceivedMessage<Message>[] = [];
    let wake: () => void = () => undefined;
    const read = (received: ReceivedMessage<Message>) => {
      queue.push(received);
      if (queue.length > MAX_QUEUED_MESSAGES) queue.shift();
      wake();
    };
    const abort = () => wake();
    this.#readers.add(read);
    signal.addEventListener("abort", abort);
    try {
      while (!signal.aborted) {
        const next = queue.shift();
        if (next) yield next;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      this.#readers.delete(read);
      signal.removeEventListener("abort", abort);
    }
  }

  async #receive(bytes: Uint8Array): Promise<void> {
    const { context, isMember, logger } = this.#dependencies;
    try {
      const { author, body } = openEnvelope(context, bytes);
      if (!(await isMember(author))) {
        logger.warn("a round message was refused: its author is not a member", { author });
        return;
      }
      const received = { from: author, message: JSON.parse(body) as Message };
      for (const read of this.#readers) read(received);
    } catch (error) {
      logger.warn("a round message was refused", { reason: messageOf(error) });
    }
  }
}
