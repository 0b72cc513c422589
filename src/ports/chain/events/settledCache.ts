import type { EventPosition } from "../index.js";
import { MAX_EVENTS, REORG_WINDOW_BLOCKS } from "./eventCache.js";

/** What has come to its end on chain, such as a proposal that was executed: it is read until that is final, and kept. */
export interface SettledCache<T> {
  /**
   * The item that an event began.
   *
   * @param head The newest block.
   * @param look Reads the item; not called where it is known to have ended.
   */
  read(event: EventPosition, head: number, look: () => Promise<T>): Promise<T>;
}

/**
 * As deep as events that are kept, and as many: the oldest are forgotten first, and read again when they are asked for.
 *
 * @param hasEnded Whether nothing more becomes of such an item, as long as the chain stays as it is.
 */
export function createSettledCache<T>(hasEnded: (item: T) => boolean, maxItems = MAX_EVENTS): SettledCache<T> {
  const ended = new Map<string, { readonly since: number; item?: T }>();
  return {
    async read({ blockHash, logIndex }, head, look) {
      const key = `${blockHash} ${logIndex}`;
      const known = ended.get(key);
      if (known?.item !== undefined) return known.item;
      const item = await look();
      if (!hasEnded(item)) ended.delete(key);
      else if (known === undefined) ended.set(key, { since: head });
      else if (head - known.since >= REORG_WINDOW_BLOCKS) known.item = item;
      if (ended.size > maxItems) ended.delete(ended.keys().next().value ?? key);
      return item;
    },
  };
}
