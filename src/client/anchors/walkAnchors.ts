import type { ClientContext } from "../client.js";
import type { AnchorEntry, AnchoredLeaf, UnreadAnchor } from "./anchorIndex.js";

/** Manifests that are fetched at once. */
const PARALLEL_MANIFESTS = 8;
/** A manifest that takes longer is out of reach for now. */
const MANIFEST_TIMEOUT_MS = 5_000;

export interface WalkOptions {
  /** For the whole search, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether what is at hand may go before what is newer and slow to come. */
  readonly anyOrder?: boolean;
}

/**
 * Walks anchors from the newest to the oldest, a few at a time, and gives the records of each in that order unless any
 * will do. Those whose manifest is
 * wrong or out of reach go to `unread`.
 */
export async function* walkAnchors(
  { anchors }: Pick<ClientContext, "anchors">,
  entries: readonly AnchorEntry[],
  { timeoutMs, signal, anyOrder = false }: WalkOptions,
  unread: UnreadAnchor[],
): AsyncGenerator<readonly AnchoredLeaf[]> {
  const deadline = Date.now() + timeoutMs;
  for (let end = entries.length; end > 0; end -= PARALLEL_MANIFESTS) {
    signal?.throwIfAborted();
    const left = deadline - Date.now();
    const group = entries.slice(Math.max(0, end - PARALLEL_MANIFESTS), end).reverse();
    const reads = group.map(async (anchor) => {
      try {
        return await anchors.leaves(anchor, { timeoutMs: Math.max(1, Math.min(left, MANIFEST_TIMEOUT_MS)), signal });
      } catch (error) {
        signal?.throwIfAborted();
        unread.push({ anchor, error });
        return [];
      }
    });
    if (anyOrder) yield* asTheyCome(reads);
    else yield* await Promise.all(reads);
  }
}

/** The values of promises, the first to come first. */
async function* asTheyCome<T>(promises: readonly Promise<T>[]): AsyncGenerator<T> {
  const waiting = new Map(promises.map((promise, i) => [i, promise.then((value) => ({ i, value }))]));
  // Whoever has what it wanted asks for no more: what still comes is nobody's, and no failure of anybody.
  for (const promise of waiting.values()) promise.catch(() => undefined);
  while (waiting.size > 0) {
    const { i, value } = await Promise.race(waiting.values());
    waiting.delete(i);
    yield value;
  }
}
