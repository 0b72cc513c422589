import { type GossipSub, type Message, TopicValidatorResult } from "@libp2p/gossipsub";
import type { PeerId } from "@libp2p/interface";
import PQueue from "p-queue";
import { BaseError, InvalidInputError, messageOf } from "../../errors.js";

/** A message goes to every node, so it is small: what is large is stored, and its CID is sent. */
export const MAX_MESSAGE_BYTES = 64 * 1024;
/** Every message carries its topic. */
export const MAX_TOPIC_LENGTH = 256;
/** Messages that wait for one slow handler; at their largest, 16 MiB. Later ones are dropped and reported. */
export const MAX_PENDING_MESSAGES = 256;

/** A message that could not be sent, or that a handler failed on. */
export class GossipError extends BaseError {
  constructor(shortMessage: string, cause?: unknown) {
    super("gossip", shortMessage, cause === undefined ? {} : { cause, details: messageOf(cause), retryable: true });
  }
}

/** @param from The peer id of the node that first sent it, as its signature proves. */
export type GossipHandler = (bytes: Uint8Array, from: string) => void | Promise<void>;

/**
 * What this node does with a message: `accept` handles and relays it, `ignore` drops it, `reject` drops it and lowers the
 * score of the peer that sent it.
 */
export type ValidationResult = "accept" | "ignore" | "reject";

export interface SubscribeOptions {
  /**
   * Whether a message is worth relaying.
   *
   * @param from As for the handler.
   * @param relay The peer that sent it to this node; not necessarily its first sender.
   */
  readonly validate?: (bytes: Uint8Array, from: string, relay: string) => ValidationResult | Promise<ValidationResult>;
}

export interface Gossip {
  /**
   * Sends `bytes` to every node that subscribes to `topic`. Resolves to the number of peers that this node sent it to,
   * which may be 0.
   *
   * @throws {InvalidInputError} over {@link MAX_MESSAGE_BYTES} or {@link MAX_TOPIC_LENGTH}.
   * @throws {GossipError} if gossipsub could not send it.
   */
  publish(topic: string, bytes: Uint8Array): Promise<number>;
  /**
   * Calls `handler` with every message of `topic` from other nodes, one after another. What it throws is reported, and
   * the next message is handled.
   *
   * @returns A function that ends the subscription; messages that wait are dropped.
   * @throws {InvalidInputError} if the topic has a subscription already or is over {@link MAX_TOPIC_LENGTH}.
   */
  subscribe(topic: string, handler: GossipHandler, options?: SubscribeOptions): () => void;
}

const results: Record<ValidationResult, TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

export interface GossipParameters {
  /** The gossipsub service of a libp2p node. It signs what it sends, and drops what is not signed. */
  readonly pubsub: GossipSub;
  /** Called with the errors of handlers and validators, and for messages dropped because a handler is slow. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Topics over gossipsub. A message proves which peer it comes from and nothing else: the handler of the topic decides whom to
 * believe.
 *
 * @example
 * const gossip = createGossip({ pubsub: content.pubsub, onError: report });
 * const end = gossip.subscribe("witan/ballots", (bytes) => pool.add(bytes), { validate: isBallot });
 */
export function createGossip({ pubsub, onError = () => undefined }: GossipParameters): Gossip {
  const subscribed = new Set<string>();

  function validator({ validate }: SubscribeOptions) {
    return async (relay: PeerId, message: Message): Promise<TopicValidatorResult> => {
      if (message.type !== "signed" || message.data.length > MAX_MESSAGE_BYTES) return TopicValidatorResult.Reject;
      try {
        const result = await validate?.(message.data, message.from.toString(), relay.toString());
        return results[result ?? "accept"];
      } catch (error) {
        onError(new GossipError(`A message on ${message.topic} could not be validated.`, error));
        return TopicValidatorResult.Reject;
      }
    };
  }

  return {
    async publish(topic, bytes) {
      assertTopic(topic);
      if (bytes.length > MAX_MESSAGE_BYTES) {
        throw new InvalidInputError(`A message of ${bytes.length} bytes is over the limit of ${MAX_MESSAGE_BYTES}.`);
      }
      try {
        return (await pubsub.publish(topic, bytes)).recipients.length;
      } catch (cause) {
        throw new GossipError(`A message on ${topic} could not be sent.`, cause);
      }
    },
    subscribe(topic, handler, options = {}) {
      assertTopic(topic);
      if (subscribed.has(topic)) throw new InvalidInputError(`The topic ${topic} has a handler already.`);
      subscribed.add(topic);
      const inbox = createInbox(topic, handler, onError);
      const listener = ({ detail }: CustomEvent<Message>) => {
        if (detail.topic === topic && detail.type === "signed")
          inbox.add(new Uint8Array(detail.data), detail.from.toString());
      };
      pubsub.topicValidators.set(topic, validator(options));
      pubsub.addEventListener("message", listener);
      pubsub.subscribe(topic);
      return () => {
        if (!subscribed.delete(topic)) return;
        pubsub.removeEventListener("message", listener);
        pubsub.unsubscribe(topic);
        pubsub.topicValidators.delete(topic);
        inbox.close();
      };
    },
  };
}

/** Calls a handler with one message after another, a bounded number of them waiting. */
function createInbox(topic: string, handler: GossipHandler, onError: (error: unknown) => void) {
  const queue = new PQueue({ concurrency: 1 });
  return {
    add(bytes: Uint8Array, from: string): void {
      if (queue.size >= MAX_PENDING_MESSAGES) {
        onError(new GossipError(`A message on ${topic} was dropped: ${MAX_PENDING_MESSAGES} wait already.`));
        return;
      }
      queue
        .add(() => handler(bytes, from))
        .catch((error: unknown) =>
          onError(new GossipError(`The handler of ${topic} failed on a message from ${from}.`, error)),
        );
    },
    close(): void {
      queue.clear();
    },
  };
}

function assertTopic(topic: string): void {
  if (topic.length > 0 && topic.length <= MAX_TOPIC_LENGTH) return;
  throw new InvalidInputError(`A topic has 1 to ${MAX_TOPIC_LENGTH} characters, not ${topic.length}.`);
}
