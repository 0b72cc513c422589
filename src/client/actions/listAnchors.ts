import { raceSignal } from "race-signal";
import type { AnchorEntry, UnreadAnchor } from "../anchors/anchor.js";
import type { ClientContext } from "../client.js";

export interface ListAnchorsParameters {
  /** Only anchors of these blocks, both included; by default the newest twenty thousand. */
  readonly blocks?: readonly [first: number, last: number] | undefined;
  /** How long to wait for the manifests of joint anchors, in milliseconds; two seconds by default. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ListAnchorsReturnType {
  /** Oldest first. */
  readonly entries: readonly AnchorEntry[];
  /** Joint anchors whose manifests did not come in time. */
  readonly unread: readonly UnreadAnchor[];
  /** The first block from which on no anchor is left out. */
  readonly since: number;
}

/**
 * Lists the anchored batches, each author's own and those of joint anchors. Reads only what is new since the last call.
 *
 * @throws ChainError.
 * @example
 * const { entries } = await client.listAnchors();
 */
export async function listAnchors(
  { anchors }: Pick<ClientContext, "anchors">,
  { signal, ...options }: ListAnchorsParameters = {},
): Promise<ListAnchorsReturnType> {
  return raceSignal(anchors.anchors(options), signal);
}
