import type { RequestHandler, RequestResponse } from "../../src/ports/gossip/index.js";
import type { Clock } from "../../src/utils/clock.js";
import { BYTES, LATENCY_SECONDS, OPEN_CONNECTIONS, SLOW_SECONDS } from "../simulation/probing.js";
import type { SeededRandom } from "../simulation/random.js";

/** Of the payload of a message, so much is part of {@link BYTES.message}. */
const USUAL_PAYLOAD = 20;

class HubNode {
  handler: RequestHandler | undefined;
  isUp = true;
  isSlow = false;
  /** No request passes to or from it, though gossip does. */
  isIsolated = false;
  group = 0;
}

/**
 * Requests to peers in one process, with what a test makes of the network: latency, loss, slow nodes, nodes that are down or
 * cut off. It counts what libp2p would send: nodes that are near in the order in which they came have connections, and
 * others open one for each request.
 */
export class ProbeHub {
  readonly #clock: Pick<Clock, "after">;
  readonly #random: SeededRandom;
  readonly #nodes = new Map<string, HubNode>();
  readonly #places = new Map<string, number>();
  /** The share of messages that get lost. */
  loss = 0;
  /** Bytes that all nodes have sent and received, and signatures of new connections that they checked. */
  readonly cost = { bytes: 0, checks: 0, requests: 0 };

  constructor(clock: Pick<Clock, "after">, random: SeededRandom) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Requests as the peer with this name makes and answers them. */
  transport(name: string): RequestResponse {
    const self = this.node(name);
    return {
      isConnected: (peer) => this.#isNear(name, peer),
      request: (peer, bytes, signal) => this.#request(name, peer, bytes, signal),
      serve: async (handler) => {
        self.handler = handler;
        return async () => {
          self.handler = undefined;
        };
      },
    };
  }

  node(name: string): HubNode {
    const node = this.#nodes.get(name) ?? new HubNode();
    this.#nodes.set(name, node);
    if (!this.#places.has(name)) this.#places.set(name, this.#places.size);
    return node;
  }

  /** Whether a message passes now. */
  passes(from: string, to: string): boolean {
    const [one, other] = [this.node(from), this.node(to)];
    if (one.isIsolated || other.isIsolated) return false;
    return one.isUp && other.isUp && one.group === other.group && !(this.loss > 0 && this.#random.chance(this.loss));
  }

  /** How long a message from or to this node takes, in milliseconds. */
  delayMs(one: string, other: string): number {
    const late = (name: string) => (this.node(name).isSlow ? -Math.log(1 - this.#random.next()) * SLOW_SECONDS : 0);
    // In tenths of a second, so that much happens at once.
    return Math.ceil((LATENCY_SECONDS / 2 + (late(one) + late(other)) / 2) * 10) * 100;
  }

  #request(from: string, to: string, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    if (!this.node(from).isUp) return Promise.reject(new Error("down"));
    this.cost.requests += 1;
    this.#count(bytes);
    if (!this.#isNear(from, to) && this.node(to).isUp) {
      this.cost.bytes += 2 * BYTES.connection;
      this.cost.checks += 2;
    }
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      const send = (sender: string, receiver: string, arrive: () => void) => {
        if (this.passes(sender, receiver)) this.#clock.after(this.delayMs(sender, receiver), arrive);
      };
      send(from, to, () => {
        const { handler, isUp } = this.node(to);
        if (handler === undefined || !isUp) return;
        handler(bytes, from, signal).then((answer) => {
          if (answer === undefined) return reject(new Error("the stream was reset"));
          this.#count(answer);
          send(to, from, () => resolve(answer));
        }, reject);
      });
    });
  }

  #count(bytes: Uint8Array): void {
    this.cost.bytes += 2 * (BYTES.message + Math.max(0, bytes.length - USUAL_PAYLOAD));
  }

  #isNear(one: string, other: string): boolean {
    const [a, b] = [this.#places.get(one), this.#places.get(other)];
    if (a === undefined || b === undefined) return false;
    const apart = Math.abs(a - b);
    return Math.min(apart, this.#places.size - apart) <= OPEN_CONNECTIONS / 2;
  }
}
