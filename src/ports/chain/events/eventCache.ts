import type { Chain } from "../chain.js";
import { REORG_WINDOW_BLOCKS } from "../rpc/blockHeader.js";
import type { ChainEventName, ChainEventOf } from "./event.js";

/** Events kept by default: about 20 MB of proposals. The oldest are dropped first. */
export const MAX_EVENTS = 20_000;

/** The events of some names since the deployment, extended at each read. */
export interface EventCache<N extends ChainEventName> {
  /** All events up to the newest block, oldest first, without the oldest that were dropped. */
  read(): Promise<readonly ChainEventOf<N>[]>;
  /** The first block from which on no event was dropped. */
  readonly since: number;
}

/** Reads only the blocks since the last read, and the newest again, which may change; concurrent reads share one request. */
export function createEventCache<N extends ChainEventName>(
  chain: Pick<Chain, "events" | "blockNumber" | "deployedAtBlock">,
  names: readonly N[],
  maxEvents = MAX_EVENTS,
): EventCache<N> {
  let events: ChainEventOf<N>[] = [];
  let next = chain.deployedAtBlock;
  let since = chain.deployedAtBlock;
  let running: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;

  async function extend(): Promise<void> {
    const head = await chain.blockNumber();
    const from = Math.max(chain.deployedAtBlock, Math.min(next, head + 1) - REORG_WINDOW_BLOCKS);
    const fresh = await chain.events({ names, fromBlock: from, toBlock: head });
    const all = [...events.filter((event) => event.blockNumber < from), ...fresh];
    events = all.slice(-maxEvents);
    if (all.length > events.length) since = (all[all.length - events.length - 1]?.blockNumber ?? since) + 1;
    next = head + 1;
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
