import { BaseError } from "../../../errors.js";
import type { Chain } from "../chain.js";
import { behindError, REORG_WINDOW_BLOCKS, readHeader } from "../rpc/blockHeader.js";
import type { ChainEventName, ChainEventOf } from "./event.js";
import { DEPTH_BLOCKS, keyOf, STEP_BLOCKS } from "./secondReading.js";

/** Events kept by default: about 20 MB of proposals. The oldest are dropped first. */
export const MAX_EVENTS = 20_000;

/** The most blocks that one read reads again: one request more. */
const MAX_STEP_BLOCKS = 1_000;

/** The functions of a chain that an event cache needs. */
export type EventCacheSource = Pick<Chain, "events" | "blockNumber" | "deployedAtBlock" | "provider" | "read">;

/** The events of some names since the deployment, extended at each read. */
export interface EventCache<N extends ChainEventName> {
  /** All events up to the newest block, oldest first, without the oldest that were dropped. */
  read(): Promise<readonly ChainEventOf<N>[]>;
  /** The first block from which on no event was dropped. */
  readonly since: number;
}

/**
 * Reads only the blocks since the last read, and the newest again, which may change; concurrent reads share one request. Once a
 * block is deep in the chain it is read a last time, a stretch at each read: an RPC node may have left events out, or have given
 * those of a fork that lasted longer than the newest blocks.
 */
export function createEventCache<N extends ChainEventName>(
  chain: EventCacheSource,
  names: readonly N[],
  maxEvents = MAX_EVENTS,
): EventCache<N> {
  let events: readonly ChainEventOf<N>[] = [];
  let next = chain.deployedAtBlock;
  let since = chain.deployedAtBlock;
  /** The last block that was read deep in the chain. */
  let settled = chain.deployedAtBlock - 1;
  /** From which newest block on deep blocks are read again, after the node refused. */
  let settleFrom = 0;
  let running: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;

  async function extend(): Promise<void> {
    const head = await chain.blockNumber();
    // A node that has not come so far says nothing of the events that are known.
    if (head < chain.deployedAtBlock) throw behindError(chain.deployedAtBlock);
    const from = Math.max(chain.deployedAtBlock, Math.min(next, head + 1) - REORG_WINDOW_BLOCKS);
    const fresh = await chain.events({ names, fromBlock: from, toBlock: head });
    keep([...events.filter((event) => event.blockNumber < from), ...fresh]);
    next = head + 1;
    await settle(head);
  }

  function keep(all: readonly ChainEventOf<N>[]): void {
    events = all.slice(-maxEvents);
    if (all.length > events.length) since = (all[all.length - events.length - 1]?.blockNumber ?? since) + 1;
  }

  /** Reads the next stretch of deep blocks again, and corrects what was read of it before. */
  async function settle(head: number): Promise<void> {
    const first = Math.max(settled + 1, since);
    const last = Math.min(head - DEPTH_BLOCKS, first + MAX_STEP_BLOCKS - 1);
    if (last - first + 1 < STEP_BLOCKS || head < settleFrom) return;
    try {
      const again = await chain.events({ names, fromBlock: first, toBlock: last });
      const before = events.filter(({ blockNumber }) => blockNumber >= first && blockNumber <= last);
      const [were, are] = [new Set(before.map(keyOf)), new Set(again.map(keyOf))];
      const missing = again.filter((event) => !were.has(keyOf(event)));
      const gone = new Set<ChainEventOf<N>>();
      for (const event of before) if (!are.has(keyOf(event)) && (await hasLeft(event))) gone.add(event);
      if (missing.length + gone.size > 0)
        keep([...events.filter((event) => !gone.has(event)), ...missing].sort(byPlace));
      settled = last;
    } catch (error) {
      // A node that does not give old logs now, or any more, does not keep the newest from being read.
      if (!(error instanceof BaseError && error.retryable)) throw error;
      settleFrom = head + STEP_BLOCKS;
    }
  }

  /** Whether the event's block is not in the chain: the node may leave an event out the second time too. */
  async function hasLeft({ blockHash, blockNumber }: ChainEventOf<N>): Promise<boolean> {
    const header = await readHeader(chain, blockNumber);
    return header !== undefined && header.hash !== blockHash;
  }

  return {
    get since() {
      return since;
    },
    async read() {
      // A read in progress may miss the caller's latest transaction; the read after it does not.
      waiting ??= running.then(
        () => start(),
        () => start(),
      );
      await waiting;
      return events;
    },
  };

  function start(): Promise<void> {
    waiting = undefined;
    running = extend();
    return running;
  }
}

function byPlace(
  one: { readonly blockNumber: number; readonly logIndex: number },
  other: { readonly blockNumber: number; readonly logIndex: number },
): number {
  return one.blockNumber - other.blockNumber || one.logIndex - other.logIndex;
}
