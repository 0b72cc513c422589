import pMap from "p-map";

/**
 * Does `work` for each item, some at once. It waits for what has begun before it rejects with the first error, so that nothing
 * is still writing when the caller cleans up, and ends the source then.
 */
export async function forEachAtOnce<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  concurrency: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
  };
  async function* untilFailure(): AsyncGenerator<Item> {
    try {
      for await (const item of items) {
        if (failure !== undefined) return;
        yield item;
      }
    } catch (error) {
      fail(error);
    }
  }
  await pMap(untilFailure(), async (item) => (failure === undefined ? work(item).catch(fail) : undefined), {
    concurrency,
  });
  if (failure !== undefined) throw failure.error;
}
