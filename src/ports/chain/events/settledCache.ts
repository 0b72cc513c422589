import { createLruCache } from "../../../utils/lruCache.js";
import type { EventPosition } from "../index.js";
import { REORG_WINDOW_BLOCKS } from "../rpc/blockHeader.js";
import { MAX_EVENTS } from "./eventCache.js";

/** Items that can end on chain, such as proposals: each is read until its end is final, and cached from then on. */
export interface SettledCache<T> {
  /**
   * The item that an event opened.
   *
   * @param head The newest block.
   * @param fetch Reads the item; not called once its end is final.
   */
  read(event: EventPosition, head: number, fetch: () => Promise<T>): Promise<T>;
}

/**
 * Holds as many items as an event cache holds events. The least recently read are dropped first, and read again when needed.
 *
 * @param hasEnded Whether the item can no longer change, unless the chain is reorganised.
 */
export function createSettledCache<T>(hasEnded: (item: T) => boolean, maxItems = MAX_EVENTS): SettledCache<T> {
  const ended = createLruCache<string, { readonly since: number; item?: T }>(maxItems);
  return {
    async read({ blockHash, logIndex }, head, fetch) {
      const key = `${blockHash} ${logIndex}`;
      const known = ended.get(key);
      if (known?.item !== undefined) return known.item;
      const item = await fetch();
      if (!hasEnded(item)) ended.delete(key);
      else if (known === undefined) ended.set(key, { since: head });
      else if (head - known.since >= REORG_WINDOW_BLOCKS) known.item = item;
      return item;
    },
  };
}
