import { raceSignal } from "race-signal";
import type { ClientContext } from "../client.js";
import type { NodeSummary } from "../nodes/node.js";

export interface ListNodesParameters {
  /** Whether to list also nodes that were removed; false by default. */
  readonly includeRemoved?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists the nodes, by index. Reads only what is new since the last call.
 *
 * @throws ChainError.
 * @example
 * const committee = await client.listNodes();
 */
export async function listNodes(
  { membership }: Pick<ClientContext, "membership">,
  { includeRemoved = false, signal }: ListNodesParameters = {},
): Promise<NodeSummary[]> {
  const nodes = await raceSignal(membership.read(), signal);
  return nodes.filter(({ active }) => includeRemoved || active);
}
