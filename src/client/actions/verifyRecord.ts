import { raceSignal } from "race-signal";
import type { ClientContext } from "../client.js";
import { type LeafParameters, type VerifiedLeaf, verifyLeaf } from "../records/verifyLeaf.js";

export interface VerifyRecordParameters extends LeafParameters {
  readonly signal?: AbortSignal | undefined;
}

export type VerifyRecordReturnType = VerifiedLeaf;

/**
 * Checks somebody's proof that `author` anchored this record under `root`, both here and by the contract. Needs no content.
 *
 * @throws NotAnchoredError if `author` never anchored `root`; InvalidProofError; ChainError.
 * @example
 * const { anchoredAt } = await client.verifyRecord({ kind, contentId, author, root, proof });
 */
export async function verifyRecord(
  client: Pick<ClientContext, "chain">,
  { signal, ...parameters }: VerifyRecordParameters,
): Promise<VerifyRecordReturnType> {
  return raceSignal(verifyLeaf(client, parameters), signal);
}
