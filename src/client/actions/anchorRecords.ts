import type { EncodedRecord } from "../../records/index.js";
import { type AnchoredBatch, anchorOnce } from "../anchors/anchorOnce.js";
import { type NewRecord, type PreparedBatch, prepareBatch } from "../anchors/prepareBatch.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../transactions/requireAccount.js";

export interface AnchorRecordsParameters {
  /** At least one, encoded already or not; the same record twice counts once. */
  readonly records: readonly (NewRecord | EncodedRecord)[];
  readonly signal?: AbortSignal | undefined;
}

export interface AnchorRecordsReturnType extends AnchoredBatch, Pick<PreparedBatch, "records"> {}

/**
 * Stores records and their manifest, and writes their Merkle root on chain in the caller's name, by one transaction for all
 * records. Anchoring the same batch again changes nothing.
 *
 * @throws InvalidRecordError before anything is stored; ContentError; ContractRevertError
 * `KnowledgeRegistryNotMember`; ChainError.
 * @example
 * const { root, sequence } = await client.anchorRecords({ records: [{ kind: "State", value: state }] });
 */
export async function anchorRecords(
  client: ClientContext,
  { records, signal }: AnchorRecordsParameters,
): Promise<AnchorRecordsReturnType> {
  const author = requireAccount(client);
  const { root, count, manifest, records: prepared } = await prepareBatch(client, author, records, signal);
  const { knowledge } = client.chain.contracts;
  const batch = { author, root, count, manifest };
  const anchored = await anchorOnce(client, batch, () => knowledge.anchor(root, count, manifest), signal);
  return { ...anchored, records: prepared };
}
