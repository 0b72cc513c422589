import { createEventCache, type EventCacheSource } from "../../ports/chain/events/eventCache.js";
import { ChainError, type ChainEventOf, peerIdText } from "../../ports/chain/index.js";
import type { Address, Hex } from "../../records/index.js";
import { type MembershipEvent, membershipEvents } from "./membershipEvents.js";
import { isMemberIn, type NodeSummary } from "./node.js";
import { type SeatPresence, suspendedSeatsOf } from "./suspendedSeats.js";

/** All are remembered: a node cannot be derived without its admission. There are few: each needs a vote, or an operator. */
const MAX_EVENTS = Number.POSITIVE_INFINITY;

/** The present and the past nodes. */
export interface Membership {
  /** Reads every node up to the newest block, by index, removed ones included. */
  read(): Promise<readonly NodeSummary[]>;
  /** Reads which of them are suspended, as of the newest block. */
  readPresence(): Promise<SeatPresence>;
}

/** The index in an event of a seat without an agent. */
const NO_INDEX = 0xffff_ffffn;

/**
 * Derives the nodes from the events of the registry. If a reorganisation is deeper than the newest blocks, that is noticed once the
 * event cache reads its blocks again.
 */
export function createMembership(chain: EventCacheSource): Membership {
  const cache = createEventCache(chain, membershipEvents, MAX_EVENTS);
  let derived = derive([]);

  async function read(): Promise<Derived> {
    const events = await cache.read();
    if (derived.from !== fingerprintOf(events)) derived = derive(events);
    return derived;
  }

  return {
    read: async () => (await read()).nodes,
    readPresence: async () => (await read()).presence,
  };
}

interface Derived {
  readonly from: string;
  readonly nodes: readonly NodeSummary[];
  readonly presence: SeatPresence;
}

function derive(events: readonly MembershipEvent[]): Derived {
  const nodes = nodesOf(events);
  const presence = suspendedSeatsOf(events, nodes);
  const from = fingerprintOf(events);
  return { from, presence, nodes: nodes.map((node) => ({ ...node, suspended: presence.suspended.has(node.index) })) };
}

/** The nodes that follow from these events, in the order of the chain. */
function nodesOf(events: readonly MembershipEvent[]): NodeSummary[] {
  const nodes: NodeSummary[] = [];
  /** The newest index of each operator's seat. */
  const latest = new Map<string, number>();
  for (const { name, args } of events) {
    switch (name) {
      case "NodeAdmitted":
        enter(args.index, args, null);
        break;
      case "AgentSet": {
        const predecessor = latest.get(args.operator) ?? null;
        if (args.oldIndex !== NO_INDEX) retire(nodes, Number(args.oldIndex), Number(args.epoch));
        enter(args.newIndex, args, predecessor);
        break;
      }
      case "OperatorChanged": {
        const index = latest.get(args.oldOperator);
        const node = index === undefined ? undefined : nodes[index];
        if (index === undefined || node === undefined) break;
        latest.set(args.newOperator, index);
        const formerOperators = [...node.formerOperators, node.operator];
        nodes[index] = { ...node, operator: args.newOperator as Address, formerOperators };
        break;
      }
      case "Suspended":
      case "Returned":
      case "Lapsed":
        break;
      default:
        if (args.index !== NO_INDEX) retire(nodes, Number(args.index), Number(args.epoch));
    }
  }
  return nodes;

  function enter(
    position: bigint,
    { agent, epoch, key, operator, peerId }: ChainEventOf<"NodeAdmitted" | "AgentSet">["args"],
    predecessor: number | null,
  ): void {
    const index = Number(position);
    latest.set(operator, index);
    nodes[index] = {
      index,
      operator: operator as Address,
      formerOperators: predecessor === null ? [] : (nodes[predecessor]?.formerOperators ?? []),
      agent: agent as Address,
      peerId: peerIdText(peerId),
      key: key as Hex,
      admittedAt: Number(epoch),
      removedAt: null,
      predecessor,
      active: true,
    };
  }
}

/** The account that acts, or acted, for the node with this index. */
export function agentOf(nodes: readonly NodeSummary[], index: number): Address {
  const node = nodes[index];
  if (node === undefined) throw reorganised();
  return node.agent;
}

/** The index of each member of an epoch, by its operator and by its agent: a person may vote in the agent's place. */
export function indicesIn(nodes: readonly NodeSummary[], epoch: number): (account: string) => number {
  const members = nodes.filter((node) => isMemberIn(node, epoch));
  const indices = new Map<string, number>();
  for (const { agent, formerOperators, index, operator } of members) {
    for (const account of [...formerOperators, operator, agent]) indices.set(account, index);
  }
  return (account) => {
    const index = indices.get(account);
    if (index === undefined) throw reorganised();
    return index;
  };
}

/** An account that acted on chain as a node is not in the registry: blocks left the chain between two readings. */
export function reorganised(): ChainError {
  return new ChainError("reorganised", "The chain was reorganised while it was read.");
}

function retire(nodes: NodeSummary[], index: number, epoch: number): void {
  const node = nodes[index];
  if (node !== undefined) nodes[index] = { ...node, removedAt: epoch, active: false };
}

/** Differs for different lists of events: a block's hash determines all earlier blocks. */
function fingerprintOf(events: readonly MembershipEvent[]): string {
  const last = events.at(-1);
  return last === undefined ? "" : `${events.length}/${last.blockHash}/${last.logIndex}`;
}
