import type { ClientContext } from "../client.js";
import type { NodeSummary } from "../nodes/node.js";

/**
 * All nodes, by index; those that were removed only where asked for. Only what is new since the last time is read.
 *
 * @throws ChainError.
 * @example
 * const committee = await client.listNodes();
 */
export async function listNodes(
  { membership }: Pick<ClientContext, "membership">,
  { includeRemoved = false }: { readonly includeRemoved?: boolean | undefined } = {},
): Promise<NodeSummary[]> {
  return (await membership.read()).filter(({ active }) => includeRemoved || active);
}
