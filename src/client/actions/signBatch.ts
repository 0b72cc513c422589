import { signBatchMessage } from "../../ports/chain/index.js";
import type { EncodedRecord, SignedBatch } from "../../records/index.js";
import { type NewRecord, type PreparedBatch, prepareBatch } from "../anchors/prepareBatch.js";
import type { ClientContext } from "../client.js";
import { requireAccount, requireSigner } from "../transactions/requireAccount.js";

export interface SignBatchParameters {
  /** At least one, encoded already or not; the same record twice counts once. */
  readonly records: readonly (NewRecord | EncodedRecord)[];
  readonly signal?: AbortSignal | undefined;
}

export interface SignBatchReturnType extends SignedBatch, Pick<PreparedBatch, "records"> {}

/**
 * Stores records and their manifest, and signs their Merkle root with the caller's key. Sends nothing: the caller needs
 * no funds, and any account can {@link anchorBatch}.
 *
 * @throws InvalidRecordError before anything is stored; ContentError; ChainError `read-only`.
 * @example
 * const batch = await client.signBatch({ records: [{ kind: "State", value: state }] });
 */
export async function signBatch(
  client: ClientContext,
  { records, signal }: SignBatchParameters,
): Promise<SignBatchReturnType> {
  const author = requireAccount(client);
  const signer = requireSigner(client);
  const { chainId, addresses } = client.chain;
  const { root, count, manifest, records: prepared } = await prepareBatch(client, author, records, signal);
  const batch = { author, root, count, manifest };
  const signature = await signBatchMessage(signer, { chainId, registry: addresses.KnowledgeRegistry }, batch);
  return { ...batch, signature, records: prepared };
}
