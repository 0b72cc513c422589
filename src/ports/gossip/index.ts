import type { GossipSub } from "@libp2p/gossipsub";
import { InvalidInputError } from "../../errors.js";

/** A message travels whole to every node, so it is small: what is large goes by CID. */
export const MAX_MESSAGE_BYTES = 64 * 1024;

export interface Gossip {
  /** Sends `bytes` to every node that listens to `topic`. @throws {InvalidInputError} over {@link MAX_MESSAGE_BYTES}. */
  publish(topic: string, bytes: Uint8Array): Promise<void>;
  /** Calls `handler` with every message of `topic` from other nodes; returns what ends it. */
  subscribe(topic: string, handler: (bytes: Uint8Array) => void | Promise<void>): () => void;
}

export interface GossipParameters {
  readonly pubsub: GossipSub;
  /** Told of handlers that fail and messages that cannot be sent. */
  readonly onError?: (error: unknown) => void;
}

/** Topics over gossipsub on a libp2p node that exists. Messages are not authenticated here: their envelopes are. */
export function createGossip({ pubsub, onError = () => undefined }: GossipParameters): Gossip {
  return {
    async publish(topic, bytes) {
      if (bytes.length > MAX_MESSAGE_BYTES) {
        throw new InvalidInputError(`A message of ${bytes.length} bytes is over the limit of ${MAX_MESSAGE_BYTES}.`);
      }
      await pubsub.publish(topic, bytes);
    },
    subscribe(topic, handler) {
      const listener = ({ detail }: CustomEvent<{ topic: string; data: Uint8Array }>) => {
        if (detail.topic !== topic || detail.data.length > MAX_MESSAGE_BYTES) return;
        void Promise.resolve(handler(detail.data)).catch(onError);
      };
      pubsub.addEventListener("message", listener as EventListener);
      pubsub.subscribe(topic);
      return () => {
        pubsub.removeEventListener("message", listener as EventListener);
        pubsub.unsubscribe(topic);
      };
    },
  };
}
