import type { ClientContext } from "../client.js";
import type { AnchorEntry, AnchoredLeaf, UnreadAnchor } from "./anchor.js";

/** Manifests that are fetched at once. */
const PARALLEL_MANIFESTS = 8;
/** A manifest that takes longer is out of reach for now. */
const MANIFEST_TIMEOUT_MS = 5_000;

export interface WalkOptions {
  /** The time for the whole search, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether a manifest that comes quickly may be yielded before newer ones that are slow. */
  readonly anyOrder?: boolean;
}

/**
 * Yields the records of each anchor, the newest anchor first, reading a few manifests at a time. Anchors whose manifest is
 * wrong or out of reach go to `unread`.
 */
export async function* walkAnchors(
  { anchors, clock }: Pick<ClientContext, "anchors" | "clock">,
  entries: readonly AnchorEntry[],
  { timeoutMs, signal, anyOrder = false }: WalkOptions,
  unread: UnreadAnchor[],
): AsyncGenerator<readonly AnchoredLeaf[]> {
  // Also where there is nothing to read: a caller that gave up learns nothing of what is anchored.
  signal?.throwIfAborted();
  const deadline = clock.monotonic() + timeoutMs;
  for (let end = entries.length; end > 0; end -= PARALLEL_MANIFESTS) {
    signal?.throwIfAborted();
    const left = deadline - clock.monotonic();
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

/** The values of promises, in the order in which they resolve. */
async function* asTheyCome<T>(promises: readonly Promise<T>[]): AsyncGenerator<T> {
  const waiting = new Map(promises.map((promise, i) => [i, promise.then((value) => ({ i, value }))]));
  // A caller that has found its record reads no more: a later rejection must not count as unhandled.
  for (const promise of waiting.values()) promise.catch(() => undefined);
  while (waiting.size > 0) {
    const { i, value } = await Promise.race(waiting.values());
    waiting.delete(i);
    yield value;
  }
}
