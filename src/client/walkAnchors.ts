import type { AnchorEntry, AnchoredLeaf } from "./anchorIndex.js";
import type { ClientContext } from "./client.js";

/** Manifests that are fetched at once. */
const PARALLEL_MANIFESTS = 8;
/** A manifest that takes longer is out of reach for now. */
const MANIFEST_TIMEOUT_MS = 5_000;

export interface WalkOptions {
  /** For the whole search, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** An anchor whose records could not be read, and why. */
export interface UnreadAnchor {
  readonly anchor: AnchorEntry;
  readonly error: unknown;
}

/**
 * Walks anchors from the newest to the oldest, a few at a time, and gives the records of each. Those whose manifest is
 * wrong or out of reach go to `unread`.
 */
export async function* walkAnchors(
  { anchors }: Pick<ClientContext, "anchors">,
  entries: readonly AnchorEntry[],
  { timeoutMs, signal }: WalkOptions,
  unread: UnreadAnchor[],
): AsyncGenerator<readonly AnchoredLeaf[]> {
  const deadline = Date.now() + timeoutMs;
  for (let end = entries.length; end > 0; end -= PARALLEL_MANIFESTS) {
    signal?.throwIfAborted();
    const left = deadline - Date.now();
    const group = entries.slice(Math.max(0, end - PARALLEL_MANIFESTS), end).reverse();
    const read = await Promise.all(
      group.map(async (anchor) => {
        try {
          return await anchors.leaves(anchor, { timeoutMs: Math.max(1, Math.min(left, MANIFEST_TIMEOUT_MS)), signal });
        } catch (error) {
          signal?.throwIfAborted();
          unread.push({ anchor, error });
          return [];
        }
      }),
    );
    yield* read;
  }
}
