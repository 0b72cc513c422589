import type { AnchorEntry, AnchoredLeaf } from "../anchors/anchor.js";
import type { ClientContext } from "../client.js";

/** A manifest that takes longer is out of reach for now. */
const DEFAULT_TIMEOUT_MS = 5_000;

export interface FetchLeavesParameters {
  readonly anchor: AnchorEntry;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches the manifest of an anchor and returns its leaves, one for each record; the manifest must lead to the anchor's root.
 *
 * @throws InvalidManifestError; ContentError. Both are thrown again, without another attempt, for 2 s to 5 min.
 * @example
 * const { entries } = await client.listAnchors();
 * for (const anchor of entries) console.log(await client.fetchLeaves({ anchor }));
 */
export async function fetchLeaves(
  { anchors }: Pick<ClientContext, "anchors">,
  { anchor, timeoutMs = DEFAULT_TIMEOUT_MS, signal }: FetchLeavesParameters,
): Promise<readonly AnchoredLeaf[]> {
  return anchors.leaves(anchor, { timeoutMs, signal });
}
