import { setImmediate } from "node:timers/promises";
import { type Gossip, MAX_MESSAGE_BYTES, type SubscribeOptions } from "../../src/ports/gossip/index.js";

/** How many neighbours on either side a peer has: messages reach most of a larger mesh by relay alone. */
const REACH = 2;

interface Subscription {
  readonly handler: Parameters<Gossip["subscribe"]>[1];
  readonly validate: SubscribeOptions["validate"];
}

interface Message {
  readonly id: number;
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly from: string;
}

class HubPeer {
  readonly subscriptions = new Map<string, Subscription>();
  /** The messages that it has had, good or bad: each is validated once. */
  readonly seen = new Set<number>();
  group = 0;
  reachable = true;
}

/**
 * A stand-in for gossipsub in one process, with partitions that a test makes and heals. A message has a new id each time
 * it is published. It goes from peer to neighbour, each of which validates it once and relays it only where its validator
 * accepts. The peers of one group form a ring, in the order in which they came, each with its next two on either side.
 */
export class GossipHub {
  readonly #peers = new Map<string, HubPeer>();
  #messages = 0;
  /** Messages that are on their way or being validated or handled. */
  readonly #passing = new Set<Promise<void>>();
  /** What validators and handlers threw. */
  readonly errors: unknown[] = [];

  /** Gossip as the peer with this name has it. */
  peer(name: string): Gossip {
    const peer = this.#of(name);
    return {
      publish: async (topic, bytes) => {
        if (bytes.length > MAX_MESSAGE_BYTES) throw new RangeError(`${bytes.length} bytes are too many`);
        const message = { id: ++this.#messages, topic, bytes: Uint8Array.from(bytes), from: name };
        peer.seen.add(message.id);
        return this.#pass(message, name);
      },
      subscribe: (topic, handler, { validate } = {}) => {
        if (peer.subscriptions.has(topic)) throw new Error(`${name} is subscribed to ${topic} already`);
        const subscription = { handler, validate };
        peer.subscriptions.set(topic, subscription);
        return () => {
          if (peer.subscriptions.get(topic) === subscription) peer.subscriptions.delete(topic);
        };
      },
    };
  }

  /** Splits the mesh: from now on messages pass only between peers of one group. A peer in no group is in the first. */
  split(...groups: readonly (readonly string[])[]): void {
    for (const peer of this.#peers.values()) peer.group = 0;
    for (const [position, names] of groups.entries()) for (const name of names) this.#of(name).group = position;
  }

  /** Ends every partition, and connects the peers that were cut off. What was published meanwhile is lost to the others. */
  heal(): void {
    for (const peer of this.#peers.values()) {
      peer.group = 0;
      peer.reachable = true;
    }
  }

  cutOff(...names: readonly string[]): void {
    for (const name of names) this.#of(name).reachable = false;
  }

  /** Resolves when every message has been validated and handled by each peer that it reaches, and none is on its way. */
  async settled(): Promise<void> {
    while (this.#passing.size > 0) await Promise.all(this.#passing);
  }

  /** Passes a message on to the neighbours that are subscribed, and returns how many these are. */
  #pass(message: Message, relay: string): number {
    const neighbours = this.#neighbours(relay).filter((name) => this.#of(name).subscriptions.has(message.topic));
    for (const name of neighbours) {
      const received = setImmediate().then(() => this.#receive(message, relay, name));
      this.#passing.add(received);
      void received.finally(() => this.#passing.delete(received));
    }
    return neighbours.length;
  }

  async #receive(message: Message, relay: string, name: string): Promise<void> {
    const peer = this.#of(name);
    const subscription = peer.subscriptions.get(message.topic);
    // The partition came while it was on its way.
    if (subscription === undefined || !this.#reaches(this.#of(relay), peer) || peer.seen.has(message.id)) return;
    peer.seen.add(message.id);
    try {
      const verdict = await (subscription.validate?.(message.bytes, message.from, relay) ?? "accept");
      if (verdict !== "accept") return;
      this.#pass(message, name);
      await subscription.handler(message.bytes, message.from);
    } catch (error) {
      this.errors.push(error);
    }
  }

  #neighbours(name: string): string[] {
    const self = this.#of(name);
    const ring = [...this.#peers].filter(([, peer]) => this.#reaches(self, peer)).map(([each]) => each);
    const place = ring.indexOf(name);
    const steps = Array.from({ length: REACH }, (_, step) => step + 1).flatMap((step) => [step, -step]);
    const near = steps.map((step) => ring.at((place + step) % ring.length)).filter((each) => each !== name);
    return [...new Set(near)].filter((each) => each !== undefined);
  }

  #reaches(one: HubPeer, other: HubPeer): boolean {
    return one.reachable && other.reachable && one.group === other.group;
  }

  #of(name: string): HubPeer {
    const peer = this.#peers.get(name) ?? new HubPeer();
    this.#peers.set(name, peer);
    return peer;
  }
}
