import { ChainError, signBatchMessage } from "../../ports/chain/index.js";
import type { EncodedRecord, SignedBatch } from "../../records/index.js";
import { type NewRecord, type PreparedBatch, prepareBatch } from "../anchors/prepareBatch.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../requireAccount.js";

export interface SignBatchParameters {
  /** At least one, encoded already or not; the same record twice counts once. */
  readonly records: readonly (NewRecord | EncodedRecord)[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Stores records and their manifest, and signs their Merkle root with the caller's key. Sends nothing: the caller needs
 * no funds, and anybody can {@link anchorBatch}.
 *
 * @throws InvalidRecordError before anything is stored; ContentError; ChainError `read-only`.
 * @example
 * const batch = await client.signBatch({ records: [{ kind: "State", value: state }] });
 */
export async function signBatch(
  client: ClientContext,
  { records, signal }: SignBatchParameters,
): Promise<SignedBatch & Pick<PreparedBatch, "records">> {
  const author = requireAccount(client);
  const { chainId, addresses, signer } = client.chain;
  if (signer === undefined) throw new ChainError("read-only", "This needs a signer: the chain was opened for reading.");
  const { root, count, manifest, records: prepared } = await prepareBatch(client, author, records, signal);
  const batch = { author, root, count, manifest };
  const signature = await signBatchMessage(signer, { chainId, registry: addresses.KnowledgeRegistry }, batch);
  return { ...batch, signature, records: prepared };
}
