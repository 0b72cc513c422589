import { raceSignal } from "race-signal";
import { createEventCache, type EventCache } from "../../ports/chain/events/eventCache.js";
import { keyOf } from "../../ports/chain/events/secondReading.js";
import { behindError, type Chain, readHeader } from "../../ports/chain/index.js";
import type { ContentStore } from "../../ports/content/index.js";
import { type Hex, subjectHash, workloadSubject } from "../../records/index.js";
import { type Clock, systemClock } from "../../utils/clock.js";
import { reorganised } from "../nodes/membership.js";
import { byBlock, type FleetBlock, fleetEvents, isWorkloadIssue, onWorkloads } from "./fleetEvents.js";
import { type FleetState, fleetAfter, fleetAt, hostsAfter, NO_FLEET } from "./fleetFold.js";
import { issuedDirective, OrderReader, type ReadOrder } from "./orders.js";
import type { PlacedFleet, PlacementReader } from "./placedFleet.js";

export interface PlacementReaderDependencies {
  readonly chain: Chain;
  readonly content: ContentStore;
  /** Measures how long a payload that nobody has is not asked for again; the system's by default. */
  readonly clock?: Pick<Clock, "monotonic"> | undefined;
}

/** All are kept: a history without its beginning gives other seats. Each costs a vote, or is bounded by its contract. */
const MAX_EVENTS = Number.POSITIVE_INFINITY;
/** Payloads and headers that are asked for at once. */
const AT_ONCE = 8;
/** Blocks whose payloads and headers are held while they are folded. */
const MAX_BLOCKS = 256;

/**
 * Says where replicas run, and which rollouts are open, at confirmed blocks. Every reader gives the same for one block, in whatever
 * steps it came there. It asks the chain once for what is new, once for each block at which something changed, and once for the block
 * that it is asked about; the content store once for each payload.
 *
 * @example
 * const { placement, workloads } = await createPlacementReader(client).at(confirmedBlock);
 */
export function createPlacementReader(dependencies: PlacementReaderDependencies): PlacementReader {
  return new ChainPlacementReader(dependencies);
}

/** What was folded, and from which events. */
interface Folded {
  readonly state: FleetState;
  /** Names of the events, to notice those of another fork, and those that were left out at first. */
  readonly keys: readonly string[];
  readonly through: number;
}

const NOTHING: Folded = { state: NO_FLEET, keys: [], through: -1 };

class ChainPlacementReader implements PlacementReader {
  readonly #chain: Chain;
  readonly #events: EventCache<(typeof fleetEvents)[number]>;
  readonly #orders: OrderReader;
  /** All that is known for good: up to the first block with a payload that is missing. */
  #folded: Folded = NOTHING;
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ chain, clock = systemClock, content }: PlacementReaderDependencies) {
    this.#chain = chain;
    this.#events = createEventCache(chain, fleetEvents, MAX_EVENTS);
    this.#orders = new OrderReader({ content, clock });
  }

  at(blockNumber: number, signal?: AbortSignal): Promise<PlacedFleet> {
    const turn = this.#turn.catch(() => undefined).then(() => this.#at(blockNumber, signal));
    this.#turn = turn;
    return raceSignal(turn, signal);
  }

  async #at(blockNumber: number, signal: AbortSignal | undefined): Promise<PlacedFleet> {
    signal?.throwIfAborted();
    const head = await readHeader(this.#chain, blockNumber);
    if (head === undefined) throw behindError(blockNumber);
    const events = onWorkloads((await this.#events.read()).filter((event) => event.blockNumber <= blockNumber));
    const keys = events.map(keyOf);
    const isOlder = blockNumber < this.#folded.through;
    const isKnown = !isOlder && this.#folded.keys.every((key, i) => key === keys[i]);
    const known = isKnown ? this.#folded : NOTHING;

    let { state } = known;
    let incomplete: string | undefined;
    let complete = known;
    const blocks = byBlock(events.slice(known.keys.length));
    for (let from = 0; from < blocks.length; from += MAX_BLOCKS) {
      const some = blocks.slice(from, from + MAX_BLOCKS);
      const orders = await this.#readOrders(some, signal);
      const begin = state.workloads.size > 0 ? 0 : firstWorkload(some, orders);
      const times = await this.#readTimes(some.slice(begin), signal);
      for (const [at, block] of some.entries()) {
        const time = times.get(block.number);
        state =
          at < begin || time === undefined
            ? hostsAfter(state, block.events)
            : fleetAfter(state, block.events, { number: block.number, hash: block.hash, time }, orders);
        incomplete ??= missingOf(block, orders, state);
        if (incomplete === undefined)
          complete = { state, through: block.number, keys: keys.slice(0, complete.keys.length + block.events.length) };
      }
    }
    if (!isOlder) this.#folded = complete;
    return fleetAt(state, head, incomplete);
  }

  async #readOrders(blocks: readonly FleetBlock[], signal: AbortSignal | undefined): Promise<Map<Hex, ReadOrder>> {
    const directives = blocks.flatMap(({ events }) => events.filter(isWorkloadIssue)).map(issuedDirective);
    const orders = new Map<Hex, ReadOrder>();
    await eachOf(directives, async (directive) => {
      orders.set(directive.id, await this.#orders.read(directive, signal));
    });
    return orders;
  }

  async #readTimes(blocks: readonly FleetBlock[], signal: AbortSignal | undefined): Promise<Map<number, number>> {
    const times = new Map<number, number>();
    await eachOf(blocks, async ({ hash, number }) => {
      signal?.throwIfAborted();
      const header = await readHeader(this.#chain, number);
      if (header?.hash !== hash) throw reorganised();
      times.set(number, header.time);
    });
    return times;
  }
}

/** The position of the first block that brings a workload with a specification. */
function firstWorkload(blocks: readonly FleetBlock[], orders: ReadonlyMap<Hex, ReadOrder>): number {
  const at = blocks.findIndex(({ events }) =>
    events.some((event) => {
      const read = isWorkloadIssue(event) ? orders.get(event.args.directiveId as Hex) : undefined;
      return (
        read?.kind === "invalid" ||
        (read?.kind === "order" && read.order.kind === "Deploy" && read.order.spec !== undefined)
      );
    }),
  );
  return at === -1 ? blocks.length : at;
}

/**
 * Why other nodes may know more of a block; undefined if all its payloads were read that matter. A Scale or Rollback matters only on a
 * workload that the mesh places, or may place.
 */
function missingOf(
  { events, number }: FleetBlock,
  orders: ReadonlyMap<Hex, ReadOrder>,
  { workloads }: FleetState,
): string | undefined {
  for (const { id, kind, subject } of events.filter(isWorkloadIssue).map(issuedDirective)) {
    const read = orders.get(id);
    if (read?.kind !== "missing") continue;
    const isPlaced = [...workloads.keys()].some((name) => subjectHash(workloadSubject(name)) === subject);
    if (kind === "Deploy" || isPlaced)
      return `the payload of directive ${id}, issued in block ${number}, cannot be fetched: ${read.reason}`;
  }
  return undefined;
}

/** Does `work` for each item, some at once. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, items.length) }, async () => {
      for (const item of left) await work(item);
    }),
  );
}
