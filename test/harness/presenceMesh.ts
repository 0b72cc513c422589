import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { PresenceDefaults, type PresenceParameters } from "../../src/agent/presence/defaults.js";
import { Presence } from "../../src/agent/presence/presence.js";
import { createProbes, type Gossip, type PeerIdentity, type Probes } from "../../src/ports/gossip/index.js";
import { createLogger } from "../../src/utils/logger.js";
import { BYTES, COPIES } from "../simulation/probing.js";
import { SeededRandom } from "../simulation/random.js";
import { ProbeHub } from "./probeHub.js";
import { VirtualClock } from "./virtualClock.js";

export const PRESENCE_NETWORK = "0xd0d0";
export const PRESENCE_TOPIC = `witan/presence/1/${PRESENCE_NETWORK}`;

/** A key that follows from a number. */
export async function identityOf(seed: number): Promise<PeerIdentity> {
  const key = await generateKeyPairFromSeed("Ed25519", new Uint8Array(32).fill(seed & 255).fill(seed >> 8, 16));
  return { peerId: peerIdFromPrivateKey(key).toString(), sign: async (bytes) => key.sign(bytes) };
}

type Subscription = { readonly peer: string } & Pick<Subscribed, "handler" | "validate">;
interface Subscribed {
  readonly handler: Parameters<Gossip["subscribe"]>[1];
  readonly validate: NonNullable<Parameters<Gossip["subscribe"]>[2]>["validate"];
}

export interface MeshNode {
  readonly index: number;
  readonly identity: PeerIdentity;
  readonly probes: Probes;
  readonly gossip: Gossip;
  readonly presence: Presence;
  readonly logged: string[];
}

/** A mesh whose nodes run presence, and nothing else, on virtual time. Nodes are seats 0, 1, 2 and so on. */
export class PresenceMesh {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly hub: ProbeHub;
  readonly nodes: MeshNode[] = [];
  readonly #subscriptions: Subscription[] = [];
  readonly #suspended = new Set<number>();
  /** Signatures checked, and bytes of gossip. */
  readonly #gossiped = { bytes: 0, checks: 0 };

  private constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.hub = new ProbeHub(this.clock, this.random);
  }

  static async start(size: number, seed = 1, parameters: Partial<PresenceParameters> = {}): Promise<PresenceMesh> {
    const mesh = new PresenceMesh(seed);
    for (let index = 0; index < size; index++) {
      mesh.nodes.push(mesh.#create(index, await identityOf(index + 1), { ...PresenceDefaults, ...parameters }));
    }
    mesh.suspend();
    for (const { presence } of mesh.nodes) await presence.start();
    return mesh;
  }

  async stop(): Promise<void> {
    const stopping = this.nodes.map(({ presence }) => presence.stop());
    await this.clock.pass(20_000);
    await Promise.all(stopping);
  }

  node(index: number): MeshNode {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`no node ${index}`);
    return node;
  }

  peer(index: number): string {
    return this.node(index).identity.peerId;
  }

  kill(...indices: readonly number[]): void {
    for (const index of indices) this.hub.node(this.peer(index)).isUp = false;
  }

  revive(...indices: readonly number[]): void {
    for (const index of indices) this.hub.node(this.peer(index)).isUp = true;
  }

  cutOff(...indices: readonly number[]): void {
    for (const index of indices) this.hub.node(this.peer(index)).group = 1;
  }

  heal(): void {
    for (const { identity } of this.nodes) this.hub.node(identity.peerId).group = 0;
  }

  /** The chain shows these as suspended, and all nodes read it. */
  suspend(...indices: readonly number[]): void {
    for (const index of indices) this.#suspended.add(index);
    const seats = this.nodes.map(({ identity, index }) => ({ index, peerId: identity.peerId }));
    for (const { presence } of this.nodes) presence.update({ seats, suspended: new Set(this.#suspended) });
  }

  /** How many of the given nodes hold each of these seats silent. */
  holders(seats: readonly number[], among: readonly number[] = this.up()): number[] {
    const held = among.map((index) => new Set(this.node(index).presence.silent()));
    return seats.map((seat) => held.filter((each) => each.has(seat)).length);
  }

  up(): number[] {
    return this.nodes.filter(({ identity }) => this.hub.node(identity.peerId).isUp).map(({ index }) => index);
  }

  /** Bytes sent and received, and signatures checked, by all nodes since the mesh started. */
  cost(): { readonly bytes: number; readonly checks: number } {
    const helped = this.nodes.reduce((sum, { probes }) => sum + probes.counts.checks, 0);
    const { bytes, checks } = this.#gossiped;
    return { bytes: this.hub.cost.bytes + bytes, checks: this.hub.cost.checks + checks + helped };
  }

  /** Gossip that reaches every node that is up at once; copies are counted and not sent. */
  #gossip(peer: string): Gossip {
    return {
      publish: async (_topic, bytes) => {
        const others = this.#subscriptions.filter((each) => each.peer !== peer);
        for (const { handler, peer: receiver, validate } of others) {
          if (!this.#passesGossip(peer, receiver)) continue;
          this.#gossiped.bytes += 2 * COPIES * Math.max(BYTES.hint, bytes.length + BYTES.hint / 2);
          this.#gossiped.checks += 1;
          this.clock.after(this.hub.delayMs(peer, receiver), async () => {
            if ((await validate?.(bytes, peer, peer)) === "accept") await handler(bytes, peer);
          });
        }
        return others.length;
      },
      subscribe: (_topic, handler, { validate } = {}) => {
        const subscription = { peer, handler, validate };
        this.#subscriptions.push(subscription);
        return () => void this.#subscriptions.splice(this.#subscriptions.indexOf(subscription), 1);
      },
    };
  }

  /** A message that is lost on one way comes on another. */
  #passesGossip(from: string, to: string): boolean {
    const [one, other] = [this.hub.node(from), this.hub.node(to)];
    return one.isUp && other.isUp && one.group === other.group;
  }

  #create(index: number, identity: PeerIdentity, parameters: PresenceParameters): MeshNode {
    const { clock, hub, random } = this;
    const gossip = this.#gossip(identity.peerId);
    const transport = hub.transport(identity.peerId);
    const probes = createProbes({ transport, identity, network: PRESENCE_NETWORK, clock });
    const logged: string[] = [];
    const presence = new Presence({
      ...{ self: identity.peerId, probes, gossip, topic: PRESENCE_TOPIC, parameters, clock },
      random: () => random.next(),
      chainTime: () => Math.floor(clock.monotonic() / 1_000),
      logger: createLogger("info", (line) => logged.push(line), {}, clock),
    });
    return { index, identity, probes, gossip, presence, logged };
  }
}
