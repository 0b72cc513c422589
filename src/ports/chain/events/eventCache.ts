import type { Chain } from "../chain.js";
import type { ChainEventName, ChainEventOf } from "./event.js";

/** Blocks that are read again each time, because they may still change. Deeper changes are for the readers to notice. */
export const REORG_WINDOW_BLOCKS = 32;
/** By default. About 20 MB of proposals; the oldest are forgotten first. */
export const MAX_EVENTS = 20_000;

/** The events of some names since the deployment, kept and extended with each reading. */
export interface EventCache<N extends ChainEventName> {
  /** All events up to the newest block, oldest first, the oldest aside that were forgotten. */
  read(): Promise<readonly ChainEventOf<N>[]>;
  /** The first block of which, and after which, nothing was forgotten. */
  readonly since: number;
}

/** Reads only what is new since the last time; readings that overlap in time are made together. */
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
      // A reading under way may have missed what the caller has just done; the one after it has not.
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
