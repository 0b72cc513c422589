import { type GossipSub, type Message, TopicValidatorResult } from "@libp2p/gossipsub";
import type { PeerId } from "@libp2p/interface";
import { BaseError, InvalidInputError, messageOf } from "../../errors.js";

/** A message travels whole to every node, so it is small: what is large goes by CID. */
export const MAX_MESSAGE_BYTES = 64 * 1024;
/** A topic is in every message about it. */
export const MAX_TOPIC_LENGTH = 256;
/** Messages that wait for one slow handler; at their largest, 16 MiB. Later ones are dropped and reported. */
export const MAX_PENDING_MESSAGES = 256;

/** A message that could not be sent, or was not heard by a handler. */
export class GossipError extends BaseError {
  constructor(shortMessage: string, cause?: unknown) {
    super("gossip", shortMessage, cause === undefined ? {} : { cause, details: messageOf(cause), retryable: true });
  }
}

/** @param from The peer id of the node that first sent it, as its signature proves. */
export type GossipHandler = (bytes: Uint8Array, from: string) => void | Promise<void>;

/**
 * What becomes of a message before any other node gets it from us: it is handled and relayed, dropped, or dropped and
 * held against the peer that sent it to us.
 */
export type ValidationResult = "accept" | "ignore" | "reject";

export interface SubscribeOptions {
  /**
   * Whether a message is worth relaying.
   *
   * @param from As for the handler.
   * @param relay The peer that we have it from, of which that is not known whether it is the first.
   */
  readonly validate?: (bytes: Uint8Array, from: string, relay: string) => ValidationResult | Promise<ValidationResult>;
}

export interface Gossip {
  /**
   * Sends `bytes` to every node that listens to `topic`. Resolves with how many peers it went to from here, which may
   * be none.
   *
   * @throws {InvalidInputError} over {@link MAX_MESSAGE_BYTES} or {@link MAX_TOPIC_LENGTH}.
   * @throws {GossipError} where gossipsub could not send it.
   */
  publish(topic: string, bytes: Uint8Array): Promise<number>;
  /**
   * Calls `handler` with every message of `topic` from other nodes, one after another. What it throws is reported and
   * the next message comes all the same.
   *
   * @returns What ends it; messages that wait are dropped.
   * @throws {InvalidInputError} where the topic is taken by a subscription of ours or over {@link MAX_TOPIC_LENGTH}.
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
  /** Told of handlers and validators that throw, and of messages dropped because a handler is slow. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Topics over gossipsub. A message proves which peer it comes from, and nothing else: who may say what is for the
 * topic's handler.
 *
 * @example
 * const gossip = createGossip({ pubsub: content.pubsub, onError: report });
 * const end = gossip.subscribe("witan/ballots", (bytes) => box.add(bytes), { validate: isBallot });
 */
export function createGossip({ pubsub, onError = () => undefined }: GossipParameters): Gossip {
  const taken = new Set<string>();

  function validator({ validate }: SubscribeOptions) {
    return async (relay: PeerId, message: Message): Promise<TopicValidatorResult> => {
      if (message.type !== "signed" || message.data.length > MAX_MESSAGE_BYTES) return TopicValidatorResult.Reject;
      try {
        const verdict = await validate?.(message.data, message.from.toString(), relay.toString());
        return results[verdict ?? "accept"];
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
      if (taken.has(topic)) throw new InvalidInputError(`The topic ${topic} has a handler already.`);
      taken.add(topic);
      const inbox = createInbox(topic, handler, onError);
      const listener = ({ detail }: CustomEvent<Message>) => {
        if (detail.topic === topic && detail.type === "signed")
          inbox.add(new Uint8Array(detail.data), detail.from.toString());
      };
      pubsub.topicValidators.set(topic, validator(options));
      pubsub.addEventListener("message", listener);
      pubsub.subscribe(topic);
      return () => {
        if (!taken.delete(topic)) return;
        pubsub.removeEventListener("message", listener);
        pubsub.unsubscribe(topic);
        pubsub.topicValidators.delete(topic);
        inbox.close();
      };
    },
  };
}

/** Hands messages to a handler one after another, a bounded number of them waiting. */
function createInbox(topic: string, handler: GossipHandler, onError: (error: unknown) => void) {
  const waiting: { bytes: Uint8Array; from: string }[] = [];
  let busy = false;

  async function drain(): Promise<void> {
    busy = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        await handler(next.bytes, next.from);
      } catch (error) {
        onError(new GossipError(`The handler of ${topic} failed on a message from ${next.from}.`, error));
      }
    }
    busy = false;
  }

  return {
    add(bytes: Uint8Array, from: string): void {
      if (waiting.length >= MAX_PENDING_MESSAGES) {
        onError(new GossipError(`A message on ${topic} was dropped: ${MAX_PENDING_MESSAGES} wait already.`));
        return;
      }
      waiting.push({ bytes, from });
      if (!busy) void drain();
    },
    close(): void {
      waiting.length = 0;
    },
  };
}

function assertTopic(topic: string): void {
  if (topic.length > 0 && topic.length <= MAX_TOPIC_LENGTH) return;
  throw new InvalidInputError(`A topic has 1 to ${MAX_TOPIC_LENGTH} characters, not ${topic.length}.`);
}
