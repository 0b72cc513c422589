import { isMemberIn, type NodeSummary } from "../../client/index.js";
import type { Address } from "../../records/index.js";

/** Which nodes are members in which epoch, from the registry's events. */
export class Committees {
  /** The newest epoch that the chain has told of; what concerns no epoch in particular concerns this one. */
  readonly newest: number;
  /** The members of the newest epoch. */
  readonly members: readonly NodeSummary[];
  readonly #byIndex: ReadonlyMap<number, NodeSummary>;
  /** By operator in lower case: an operator that returns, or rotates its key, has several indices in turn. */
  readonly #byOperator = new Map<string, NodeSummary[]>();
  readonly #peers: ReadonlySet<string>;

  /** @param nodes All of them, also those that were removed. */
  constructor(nodes: readonly NodeSummary[]) {
    for (const node of nodes) {
      const operator = node.operator.toLowerCase();
      this.#byOperator.set(operator, [...(this.#byOperator.get(operator) ?? []), node]);
    }
    this.#byIndex = new Map(nodes.map((node) => [node.index, node]));
    this.newest = nodes.reduce((epoch, { admittedAt, removedAt }) => Math.max(epoch, admittedAt, removedAt ?? 0), 0);
    this.members = nodes.filter((node) => isMemberIn(node, this.newest));
    this.#peers = new Set(this.members.map(({ peerId }) => peerId));
  }

  /** The node with this index, also one that was removed. */
  get(index: number): NodeSummary | undefined {
    return this.#byIndex.get(index);
  }

  /** The member with this index in an epoch. Its key never changes: a key that is rotated gets another index. */
  member(index: number, epoch = this.newest): NodeSummary | undefined {
    const node = this.#byIndex.get(index);
    return node !== undefined && isMemberIn(node, epoch) ? node : undefined;
  }

  /** The member that this operator is in an epoch. */
  ofOperator(operator: Address, epoch = this.newest): NodeSummary | undefined {
    return this.#byOperator.get(operator.toLowerCase())?.find((node) => isMemberIn(node, epoch));
  }

  /** The operators of an epoch's members. */
  operators(epoch = this.newest): Address[] {
    if (epoch === this.newest) return this.members.map(({ operator }) => operator);
    return [...this.#byIndex.values()].filter((node) => isMemberIn(node, epoch)).map(({ operator }) => operator);
  }

  /** Whether this libp2p peer belongs to a member of the newest epoch. */
  isPeer(peer: string): boolean {
    return this.#peers.has(peer);
  }
}
