import { createEventCache } from "../../ports/chain/events/eventCache.js";
import { type Chain, ChainError, type ChainEventOf, peerIdText } from "../../ports/chain/index.js";
import type { Address, Hex } from "../../records/index.js";
import { isMemberIn, type NodeSummary } from "./node.js";

const names = ["NodeAdmitted", "NodeRemoved", "KeyRotated", "EpochOpened"] as const;
type MembershipEvent = ChainEventOf<(typeof names)[number]>;

/** All are remembered: a node cannot be derived without its admission. There are few, since each needs a vote. */
const MAX_EVENTS = Number.POSITIVE_INFINITY;

/** The present and the past nodes. */
export interface Membership {
  /** Reads every node up to the newest block, by index, removed ones included. */
  read(): Promise<readonly NodeSummary[]>;
}

/**
 * Derives the nodes from the events of the registry. Each event, and the key of each rotation, is read once. If a
 * reorganisation is deeper than the event cache looks back, only the next client notices it.
 */
export function createMembership(
  chain: Pick<Chain, "events" | "blockNumber" | "deployedAtBlock" | "read" | "contracts">,
): Membership {
  const cache = createEventCache(chain, names, MAX_EVENTS);
  const rotatedKeys = new Map<string, Hex>();
  let derived: { readonly from: string; readonly nodes: readonly NodeSummary[] } = { from: "", nodes: [] };

  return {
    async read() {
      const events = await cache.read();
      const from = fingerprintOf(events);
      if (derived.from !== from) derived = { from, nodes: nodesOf(events, await readKeys(events)) };
      return derived.nodes;
    },
  };

  /** Reads the keys of rotated nodes, by their new index, since no event has them. */
  async function readKeys(events: readonly MembershipEvent[]): Promise<ReadonlyMap<number, Hex>> {
    const keys = new Map<number, Hex>();
    for (const event of events) {
      if (event.name !== "KeyRotated") continue;
      const { newIndex } = event.args;
      // Another block, after a reorganisation, may have given the index to another key.
      const place = `${event.blockHash}/${newIndex}`;
      const key = rotatedKeys.get(place) ?? (await chain.read(() => chain.contracts.nodes.keyOf(newIndex)));
      rotatedKeys.set(place, key as Hex);
      keys.set(Number(newIndex), key as Hex);
    }
    return keys;
  }
}

/** The nodes that follow from these events, in the order of the chain. */
function nodesOf(events: readonly MembershipEvent[], rotatedKeys: ReadonlyMap<number, Hex>): NodeSummary[] {
  const nodes: NodeSummary[] = [];
  let epoch = 0;
  for (const { name, args } of events) {
    if (name === "EpochOpened") {
      epoch = Number(args.epoch);
    } else if (name === "NodeAdmitted") {
      nodes[Number(args.index)] = {
        index: Number(args.index),
        operator: args.operator as Address,
        peerId: peerIdText(args.peerId),
        key: args.key as Hex,
        admittedAt: Number(args.epoch),
        removedAt: null,
        predecessor: null,
        active: true,
      };
    } else if (name === "NodeRemoved") {
      retire(nodes, Number(args.index), Number(args.epoch));
    } else {
      // This event names no epoch; the event of the epoch that it opens comes right after it. The peer id stays the same.
      const index = Number(args.newIndex);
      const retired = retire(nodes, Number(args.oldIndex), epoch + 1);
      nodes[index] = {
        index,
        operator: args.operator as Address,
        peerId: retired?.peerId ?? "",
        key: rotatedKeys.get(index) ?? "0x",
        admittedAt: epoch + 1,
        removedAt: null,
        predecessor: Number(args.oldIndex),
        active: true,
      };
    }
  }
  return nodes;
}

/** The account that acts, or acted, for the node with this index. */
export function operatorOf(nodes: readonly NodeSummary[], index: number): Address {
  const node = nodes[index];
  if (node === undefined) throw reorganised();
  return node.operator;
}

/** The index of each member of an epoch, by its operator. */
export function indicesIn(nodes: readonly NodeSummary[], epoch: number): (operator: string) => number {
  const members = nodes.filter((node) => isMemberIn(node, epoch));
  const indices = new Map<string, number>(members.map(({ operator, index }) => [operator, index]));
  return (operator) => {
    const index = indices.get(operator);
    if (index === undefined) throw reorganised();
    return index;
  };
}

/** An account that acted on chain as a node is not in the registry: blocks left the chain between two readings. */
export function reorganised(): ChainError {
  return new ChainError("reorganised", "The chain was reorganised while it was read.");
}

function retire(nodes: NodeSummary[], index: number, epoch: number): NodeSummary | undefined {
  const node = nodes[index];
  if (node !== undefined) nodes[index] = { ...node, removedAt: epoch, active: false };
  return node;
}

/** Differs for different lists of events: a block's hash determines all earlier blocks. */
function fingerprintOf(events: readonly MembershipEvent[]): string {
  const last = events.at(-1);
  return last === undefined ? "" : `${events.length}/${last.blockHash}/${last.logIndex}`;
}
