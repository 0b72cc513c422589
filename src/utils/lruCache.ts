import { LRUCache } from "lru-cache";

/**
 * A cache that forgets what was used least recently once it holds `max` entries. It takes memory as it fills: given a number
 * of entries as its only bound, lru-cache allocates room for all of them at once, for each of the caches of each node.
 */
export function createLruCache<Key extends NonNullable<unknown>, Value extends NonNullable<unknown>>(
  max: number,
): LRUCache<Key, Value> {
  return new LRUCache<Key, Value>({ maxSize: max, sizeCalculation: () => 1 });
}
