import type { NodeSummary } from "../../client/index.js";
import type { Address } from "../../records/index.js";
import { ChainClock } from "../aggregation/chainClock.js";
import { Committees } from "../aggregation/committees.js";

/** The newest committee and the chain's time, as they were last read. */
export class Roll {
  readonly #clock: ChainClock;
  #committees = new Committees([]);
  #members: readonly NodeSummary[] = [];
  #peers: ReadonlySet<string> = new Set();

  /** @param now Milliseconds. */
  constructor(now: () => number) {
    this.#clock = new ChainClock(now);
  }

  /** Takes in all nodes that ever were, and the chain's time in seconds. */
  update(nodes: readonly NodeSummary[], chainTime: number): void {
    this.#clock.set(chainTime);
    this.#committees = new Committees(nodes);
    this.#members = nodes.filter(({ active }) => active);
    this.#peers = new Set(this.#members.map(({ peerId }) => peerId));
  }

  get epoch(): number {
    return this.#committees.newest;
  }

  get members(): readonly NodeSummary[] {
    return this.#members;
  }

  /** The chain's time, in seconds since the Unix epoch. */
  seconds(): number {
    return this.#clock.seconds();
  }

  memberOf(operator: Address): NodeSummary | undefined {
    return this.#committees.ofOperator(operator, this.epoch);
  }

  memberAt(index: number): NodeSummary | undefined {
    return this.#committees.member(index, this.epoch);
  }

  /** Whether this libp2p peer is a member's. */
  isPeer(peer: string): boolean {
    return this.#peers.has(peer);
  }
}
