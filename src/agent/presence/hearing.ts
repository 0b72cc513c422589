import type { Gossip } from "../../ports/gossip/index.js";

/**
 * Gossip that tells which peers are there: those that hand over messages of their own that are worth relaying. What a third
 * peer hands over proves nothing: it may have been said long ago.
 *
 * @param onHeard Called with the peer id.
 */
export function hearing(gossip: Gossip, onHeard: (peer: string) => void): Gossip {
  return {
    publish: (topic, bytes) => gossip.publish(topic, bytes),
    subscribe: (topic, handler, { validate } = {}) =>
      gossip.subscribe(topic, handler, {
        async validate(bytes, from, relay) {
          const result = (await validate?.(bytes, from, relay)) ?? "accept";
          if (result === "accept" && from === relay) onHeard(from);
          return result;
        },
      }),
  };
}
