import { LRUCache } from "lru-cache";
import type { EventPosition } from "../index.js";
import { MAX_EVENTS, REORG_WINDOW_BLOCKS } from "./eventCache.js";

/** What has come to its end on chain, such as a proposal that was executed: it is read until that is final, and kept. */
export interface SettledCache<T> {
  /**
   * The item that an event began.
   *
   * @param head The newest block.
   * @param fetch Reads the item; not called once it is known to have ended.
   */
  read(event: EventPosition, head: number, fetch: () => Promise<T>): Promise<T>;
}

/**
 * Holds as many items as events are kept. The least recently read are forgotten first, and read again when asked for.
 *
 * @param hasEnded Whether nothing more becomes of such an item, as long as the chain stays as it is.
 */
export function createSettledCache<T>(hasEnded: (item: T) => boolean, maxItems = MAX_EVENTS): SettledCache<T> {
  const ended = new LRUCache<string, { readonly since: number; item?: T }>({ max: maxItems });
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
