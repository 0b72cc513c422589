import { isMemberIn, type NodeSummary } from "../../client/index.js";
import type { Address } from "../../records/index.js";

/** Who of the seats is suspended. */
export interface SuspendedSeats {
  /** The number of the newest presence; 0 if no seat was ever suspended. */
  readonly presence: number;
  readonly indices: ReadonlySet<number>;
  /** The presence that the newest suspension opened: claims of fact that are older have ended. */
  readonly newestSuspension: number;
}

/** No seat was ever suspended. */
export const NOBODY_SUSPENDED: SuspendedSeats = { presence: 0, indices: new Set(), newestSuspension: 0 };

/** Which nodes are members in which epoch, from the registry's events, and which of them are suspended now. */
export class Committees {
  /** The newest epoch that the chain has told of; what concerns no epoch in particular concerns this one. */
  readonly newest: number;
  /** The members of the newest epoch. */
  readonly members: readonly NodeSummary[];
  readonly suspended: SuspendedSeats;
  readonly #byIndex: ReadonlyMap<number, NodeSummary>;
  /** By account in lower case: one that is operator and agent at once has several indices in turn. */
  readonly #byAccount = new Map<string, NodeSummary[]>();
  readonly #peers: ReadonlySet<string>;

  /** @param nodes All of them, also those that were removed. */
  constructor(nodes: readonly NodeSummary[], suspended = NOBODY_SUSPENDED) {
    this.suspended = suspended;
    for (const node of nodes) {
      const account = node.agent.toLowerCase();
      this.#byAccount.set(account, [...(this.#byAccount.get(account) ?? []), node]);
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

  /** The member with this index in an epoch. Its key never changes: another agent gets another index. */
  member(index: number, epoch = this.newest): NodeSummary | undefined {
    const node = this.#byIndex.get(index);
    return node !== undefined && isMemberIn(node, epoch) ? node : undefined;
  }

  /** The member that this account acts for in an epoch. */
  ofAccount(account: Address, epoch = this.newest): NodeSummary | undefined {
    return this.#byAccount.get(account.toLowerCase())?.find((node) => isMemberIn(node, epoch));
  }

  /** The accounts that act for an epoch's members. */
  accounts(epoch = this.newest): Address[] {
    if (epoch === this.newest) return this.members.map(({ agent }) => agent);
    return [...this.#byIndex.values()].filter((node) => isMemberIn(node, epoch)).map(({ agent }) => agent);
  }

  /** The accounts that act for those of an epoch's members that are not suspended: a duty must not wait for the others. */
  present(epoch = this.newest): Address[] {
    const { indices } = this.suspended;
    if (indices.size === 0) return this.accounts(epoch);
    const absent = new Set([...indices].flatMap((index) => this.#byIndex.get(index)?.agent ?? []));
    return this.accounts(epoch).filter((account) => !absent.has(account));
  }

  /** Whether the seat of this account, by its agent, is suspended. */
  isSuspended(account: Address): boolean {
    const member = this.ofAccount(account);
    return member !== undefined && this.suspended.indices.has(member.index);
  }

  /** Whether this libp2p peer belongs to a member of the newest epoch. */
  isPeer(peer: string): boolean {
    return this.#peers.has(peer);
  }
}
