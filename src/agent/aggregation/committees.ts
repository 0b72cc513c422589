import { isMemberIn, type NodeSummary } from "../../client/index.js";
import type { Address } from "../../records/index.js";

/** Who is a node in which epoch, from what the registry's events say. */
export class Committees {
  /** The newest epoch that the chain has told of. */
  readonly newest: number;
  readonly #byIndex: ReadonlyMap<number, NodeSummary>;
  /** By operator in lower case: one that comes back, or rotates its key, has several indices in turn. */
  readonly #byOperator = new Map<string, NodeSummary[]>();

  /** @param nodes All of them, also those that were removed. */
  constructor(nodes: readonly NodeSummary[]) {
    for (const node of nodes) {
      const operator = node.operator.toLowerCase();
      this.#byOperator.set(operator, [...(this.#byOperator.get(operator) ?? []), node]);
    }
    this.#byIndex = new Map(nodes.map((node) => [node.index, node]));
    this.newest = nodes.reduce((epoch, { admittedAt, removedAt }) => Math.max(epoch, admittedAt, removedAt ?? 0), 0);
  }

  /** The node with this index, also one that was removed. */
  get(index: number): NodeSummary | undefined {
    return this.#byIndex.get(index);
  }

  /** The member with this index in an epoch. Its key never changes: a key that is rotated gets another index. */
  member(index: number, epoch: number): NodeSummary | undefined {
    const node = this.#byIndex.get(index);
    return node !== undefined && isMemberIn(node, epoch) ? node : undefined;
  }

  /** The member that this operator is in an epoch. */
  ofOperator(operator: Address, epoch: number): NodeSummary | undefined {
    return this.#byOperator.get(operator.toLowerCase())?.find((node) => isMemberIn(node, epoch));
  }

  operators(epoch: number): Address[] {
    return [...this.#byIndex.values()].filter((node) => isMemberIn(node, epoch)).map(({ operator }) => operator);
  }
}
