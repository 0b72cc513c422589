import { signBatchMessage } from "../../ports/chain/index.js";
import type { DelegatedBatch, EncodedRecord } from "../../records/index.js";
import { type NewRecord, type PreparedBatch, prepareBatch } from "../anchors/prepareBatch.js";
import type { ClientContext } from "../client.js";
import { requireAccount, requireSigner } from "../transactions/requireAccount.js";

export interface SignBatchParameters {
  /** At least one, encoded already or not; the same record twice counts once. */
  readonly records: readonly (NewRecord | EncodedRecord)[];
  /**
   * The last second in which others may anchor the batch, by the chain's time; an hour from now by default. 0 for a batch that
   * goes under a joint anchor: nobody may anchor it alone.
   */
  readonly deadline?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How long others may anchor a batch. Nobody has use for it years later but one who wants it anchored twice. */
const STANDING_SECONDS = 3_600;

export interface SignBatchReturnType extends DelegatedBatch, Pick<PreparedBatch, "records"> {}

/**
 * Stores records and their manifest, and signs their Merkle root with the caller's key. Sends nothing: the caller needs
 * no funds, and any account can {@link anchorBatch} until the deadline.
 *
 * @throws InvalidRecordError before anything is stored; ContentError; ChainError `read-only`.
 * @example
 * const batch = await client.signBatch({ records: [{ kind: "State", value: state }] });
 */
export async function signBatch(
  client: ClientContext,
  { records, deadline: given, signal }: SignBatchParameters,
): Promise<SignBatchReturnType> {
  const author = requireAccount(client);
  const signer = requireSigner(client);
  const { chainId, addresses } = client.chain;
  const { root, count, manifest, records: prepared } = await prepareBatch(client, author, records, signal);
  const deadline = given ?? Math.floor(await client.chain.now()) + STANDING_SECONDS;
  const batch = { author, root, count, manifest, deadline };
  const signature = await signBatchMessage(signer, { chainId, registry: addresses.KnowledgeRegistry }, batch);
  return { ...batch, signature, records: prepared };
}
