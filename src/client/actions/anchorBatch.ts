import type { DelegatedBatch } from "../../records/index.js";
import { type AnchoredBatch, anchorOnce } from "../anchors/anchorOnce.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../transactions/requireAccount.js";

export interface AnchorBatchParameters extends DelegatedBatch {
  readonly signal?: AbortSignal | undefined;
}

export type AnchorBatchReturnType = AnchoredBatch;

/**
 * Writes another node's batch on chain, in that node's name: the node has signed it, and the caller pays. Anchoring the same
 * batch again changes nothing.
 *
 * @throws ContractRevertError `KnowledgeRegistryInvalidSignature`, `KnowledgeRegistryLapsed` or
 * `KnowledgeRegistryNotMember`; ChainError.
 * @example
 * const { sequence } = await client.anchorBatch(await other.signBatch({ records }));
 */
export async function anchorBatch(
  client: ClientContext,
  { author, root, count, manifest, deadline, signature, signal }: AnchorBatchParameters,
): Promise<AnchorBatchReturnType> {
  requireAccount(client);
  const batch = { author, root, count, manifest, deadline };
  const { knowledge } = client.chain.contracts;
  return anchorOnce(client, batch, () => knowledge.anchorBySig(batch, signature), signal);
}
