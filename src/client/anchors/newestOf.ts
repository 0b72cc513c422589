import pMap from "p-map";

const AT_ONCE = 16;

/** What `look` makes of the newest of these events, newest first; those of which it makes nothing are left out. */
export async function newestOf<E, T>(
  events: readonly E[],
  limit: number,
  look: (event: E) => Promise<T | undefined>,
): Promise<T[]> {
  const found: T[] = [];
  for (let end = events.length; end > 0 && found.length < limit; end -= AT_ONCE) {
    const some = await pMap(events.slice(Math.max(0, end - AT_ONCE), end).reverse(), look, { concurrency: AT_ONCE });
    found.push(...some.filter((each) => each !== undefined));
  }
  return found.slice(0, limit);
}
