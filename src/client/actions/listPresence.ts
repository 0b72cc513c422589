import { raceSignal } from "race-signal";
import type { ClientContext } from "../client.js";

/** Which seats are not counted, and which cannot be suspended yet. */
export interface PresenceListing {
  /** Each change has a number; 0 while nobody was ever suspended. */
  readonly presence: number;
  /** The indices of the nodes that are suspended now, ascending. */
  readonly suspended: readonly number[];
  /** Those of them that have lapsed, and so are not counted on members and rules either. */
  readonly lapsed: readonly number[];
  /** The nodes that returned so recently that they cannot be suspended, until which second. */
  readonly heldOff: readonly { readonly index: number; readonly until: number }[];
}

export interface ListPresenceParameters {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists the nodes that are suspended, and those that have returned lately. Reads only what is new since the last call.
 *
 * @throws ChainError.
 * @example
 * const { suspended } = await client.listPresence();
 */
export async function listPresence(
  { chain, holdOffs, membership }: Pick<ClientContext, "chain" | "holdOffs" | "membership">,
  { signal }: ListPresenceParameters = {},
): Promise<PresenceListing> {
  const [presence, ends, now] = await raceSignal(
    Promise.all([membership.readPresence(), holdOffs.read(), chain.now()]),
    signal,
  );
  const ascending = (indices: Iterable<number>) => [...indices].sort((a, b) => a - b);
  return {
    presence: presence.presence,
    suspended: ascending(presence.suspended),
    lapsed: ascending(presence.lapsed),
    heldOff: [...ends]
      .filter(([, until]) => until > now)
      .map(([index, until]) => ({ index, until }))
      .sort((a, b) => a.index - b.index),
  };
}
