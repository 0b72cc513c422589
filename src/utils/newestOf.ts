import pMap from "p-map";

const PARALLEL = 16;

/**
 * The first `limit` results of `read` on the newest of these events, newest first. Events for which `read` gives undefined
 * are left out.
 *
 * @param events Oldest first.
 */
export async function newestOf<E, T>(
  events: readonly E[],
  limit: number,
  read: (event: E) => Promise<T | undefined>,
): Promise<T[]> {
  const found: T[] = [];
  for (let end = events.length; end > 0 && found.length < limit; end -= PARALLEL) {
    const chunk = events.slice(Math.max(0, end - PARALLEL), end).reverse();
    const results = await pMap(chunk, read, { concurrency: PARALLEL });
    found.push(...results.filter((result) => result !== undefined));
  }
  return found.slice(0, limit);
}
