import type { ReceivedRoundMessage, RoundChannel, RoundMessage } from "../../../src/engines/learning/index.js";
import type { Address } from "../../../src/records/index.js";

/** A stand-in for gossip: each message reaches all that listen when it is published, and none that listens later. */
export class RoundHub {
  readonly #listeners = new Set<(received: ReceivedRoundMessage) => void>();
  /** All messages, in the order in which they were published. */
  readonly published: ReceivedRoundMessage[] = [];

  /** Publishes a copy, made of JSON, as a network would. */
  publish(from: Address, message: unknown): void {
    const received = { from, message: JSON.parse(JSON.stringify(message)) as RoundMessage };
    this.published.push(received);
    for (const read of [...this.#listeners]) read(received);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  listen(read: (received: ReceivedRoundMessage) => void): () => void {
    this.#listeners.add(read);
    return () => this.#listeners.delete(read);
  }

  channel(self: Address): RoundChannel {
    return {
      publish: async (message) => this.publish(self, message),
      messages: (signal) => queued((read) => this.listen(read), signal),
    };
  }
}

export async function* queued(
  listen: (read: (received: ReceivedRoundMessage) => void) => () => void,
  signal: AbortSignal,
): AsyncGenerator<ReceivedRoundMessage> {
  const queue: ReceivedRoundMessage[] = [];
  let wake: () => void = () => undefined;
  const stop = listen((received) => {
    queue.push(received);
    wake();
  });
  signal.addEventListener("abort", () => wake(), { once: true });
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
    stop();
  }
}
